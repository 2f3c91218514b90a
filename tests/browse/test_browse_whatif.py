"""The page `/whatif` in a real browser, and what it asks and writes."""

import http.client
import json
import shutil
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pyarrow as pa
import pytest
from chromium_page import ChromiumPage, find_chromium

from clipmill.browse.whatif.shapes import selection_shape
from clipmill.config import SelectStep, load_pipeline
from clipmill.config.overrides import with_settings
from clipmill.engine.inprocess import InProcessEngine
from clipmill.inspection.histogram import bin_edges
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.pipeline.run import run_pipeline
from clipmill.selection import Cut, QuantileRule
from clipmill.store.workspace import Workspace
from clipmill.whatif import World
from clipmill.whatif.outcome import Judged, StepOutcome

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
CLARITY = "quality.rules.1.drop"


def ask(site, path, *, method="GET", body=None):
    """Ask the server as its own page does; return status and JSON."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    headers = {"Cookie": f"clipmill-{site.port}={site.token}"}
    headers["Origin"] = f"http://127.0.0.1:{site.port}"
    link.request(method, path, body=body, headers=headers)
    answer = link.getresponse()
    text = answer.read()
    is_json = "json" in answer.headers["content-type"]
    return answer.status, json.loads(text) if is_json else text.decode()


def data(site, *settings):
    return ask(site, "/whatif/data?" + urlencode([("set", text) for text in settings]))


def address(site, *settings):
    query = urlencode([*(("set", text) for text in settings), ("token", site.token)])
    return f"http://127.0.0.1:{site.port}/whatif?{query}"


def test_nothing_changes_until_something_is_changed(site):
    status, answer = data(site)
    assert status == 200
    assert (answer["gained"], answer["lost"], answer["yaml"]) == (0, 0, "")
    assert answer["kept"] == answer["was"] > 0
    columns = [rule["column"] for chosen in answer["selections"] for rule in chosen["rules"]]
    assert {"probe.width", "quality.clarity", "tracks.motion_strength"} <= set(columns)


def test_a_change_is_told_as_option_and_as_yaml(site):
    _, answer = data(site, f"{CLARITY}=[[0.0, 0.6]]")
    assert answer["lost"] == len(answer["strips"]["lost"]) > 0
    assert {clip["reason"] for clip in answer["strips"]["lost"]} == {"blurred"}
    assert answer["options"] == f"--set '{CLARITY}=[[0.0, 0.6]]'"
    assert "select: quality" in answer["yaml"]
    assert "- 0.6" in answer["yaml"]


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("quality.rules.7.min=1", "no rule on '7'"),
        (f"{CLARITY}=[[0.9, 0.1]]", "no share of the population"),
        ("nothing", "no value is given"),
        ("quality.backend=<script>alert(1)</script>", "only rules of selections"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(site, setting, problem):
    status, answer = data(site, setting)
    assert status == 400
    assert problem in answer["problem"]


def test_a_change_is_saved_beside_the_pipeline_and_nothing_else(workspace, serving, tmp_path):
    copy = tmp_path / "ws"
    shutil.copytree(workspace, copy)
    before = {path.name for path in copy.iterdir()}
    settings = [f"{CLARITY}=[[0.0, 0.6]]"]
    with serving(str(copy)) as site:
        for number in (1, 2):
            status, saved = ask(site, "/whatif/save", method="POST", body=json.dumps(settings))
            assert (status, saved["path"]) == (200, f"{copy}/whatif-{number}.yaml")
        assert ask(site, "/whatif/save", method="POST", body="{}")[0] == 400
    assert {path.name for path in copy.iterdir()} - before == {"whatif-1.yaml", "whatif-2.yaml"}
    context, _ = require_last_run(str(copy))
    assert load_pipeline(copy / "whatif-1.yaml") == with_settings(context.pipeline, settings)
    with serving(str(copy), read_only=True) as site:
        status, _ = ask(site, "/whatif/save", method="POST", body=json.dumps(settings))
        assert status == 403


@needs_chromium
def test_a_dragged_cut_tells_what_a_run_decides(workspace, serving, tmp_path):
    with serving(workspace) as site, ChromiumPage(address(site)) as page:
        page.wait_for("document.body.dataset.settled === ''")
        rule = "document.querySelector('[data-rule=\"quality.rules.1\"]')"
        spot = page.evaluate(
            f"""(() => {{
                {rule}.scrollIntoView({{block: 'center', behavior: 'instant'}});
                const cut = {rule}.querySelector('.cut').getBoundingClientRect();
                const plot = {rule}.querySelector('.plot').getBoundingClientRect();
                return [cut.x + cut.width / 2, cut.y + 40, plot.x + plot.width * 0.7];
            }})()"""
        )
        page.drag((spot[0], spot[1]), spot[2])
        page.wait_for("document.body.dataset.settled.includes('quality.rules.1.drop')")
        page.press("ArrowRight")
        page.wait_for("document.body.dataset.settled !== '…'")
        told = page.evaluate(
            "Object.fromEntries([...document.querySelectorAll('.sum [data-fact] b')]"
            ".map((b) => [b.parentNode.dataset.fact.split(' ')[0], Number(b.textContent)]))"
        )
        settings = parse_qs(urlsplit(page.evaluate("location.href")).query)["set"]
        page.evaluate("document.getElementById('reset').click()")
        page.wait_for("document.body.dataset.settled === '' && location.search === ''")
    copy = tmp_path / "ws"
    shutil.copytree(workspace, copy)
    context, listing = require_last_run(workspace)
    pipeline = with_settings(context.pipeline, settings)
    run_pipeline(pipeline, Workspace.open(copy), engine=InProcessEngine(), allow_fewer=True)
    was = set(World(context, listing).now().kept.to_pylist())
    now = set(World(*require_last_run(str(copy))).now().kept.to_pylist())
    assert (told["gained"], told["lost"]) == (len(now - was), len(was - now))
    assert told["lost"] > 0


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone(site, dark):
    with ChromiumPage(address(site, f"{CLARITY}=[[0.0, 0.6]]"), width=390, dark=dark) as page:
        page.wait_for("(document.body.dataset.settled || '…') !== '…'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.querySelectorAll('#lost li a').length") > 0


@needs_chromium
def test_a_single_value_is_a_thin_bar_with_its_name(site):
    _, answer = data(site)
    rule, chosen = next(
        (rule, chosen)
        for chosen in answer["selections"]
        for rule in chosen["rules"]
        if rule.get("single") is not None
    )
    place = f"{chosen['name']}.rules.{rule['number']}"
    with ChromiumPage(address(site)) as page:
        page.wait_for("document.body.dataset.settled === ''")
        drawn = page.evaluate(
            f"""(() => {{
                const plot = document.querySelector('[data-rule="{place}"] .plot');
                const bars = [...plot.querySelectorAll('rect')];
                const widths = bars.map((bar) => bar.getBoundingClientRect().width);
                return [plot.clientWidth, widths, plot.querySelector('.only').textContent];
            }})()"""
        )
        others = page.evaluate("[...document.querySelectorAll('.only:not([hidden])')].length")
    width, bars, said = drawn
    assert 0 < max(bars) < 0.05 * width
    assert said == f"all are {rule['single']:g}"
    rules = [rule for chosen in answer["selections"] for rule in chosen["rules"]]
    assert others == sum(rule.get("single") is not None for rule in rules) < len(rules)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).random(500) * 7,
        np.random.default_rng(2).integers(0, 20, 500).astype(float),
        np.random.default_rng(3).integers(0, 9000, 500) / 7,
        np.random.default_rng(4).lognormal(0, 3, 500),
        np.array([0.3]),
        np.array([4.0, 4.0]),
    ],
)
def test_histograms_are_those_of_numpy(values):
    numbers = pa.table({"quality.clarity": np.append(values, np.nan)})
    every = np.ones(len(values) + 1, bool)
    order = np.argsort(values)
    judged = Judged(numbers, np.arange(len(every)), every, every, {"quality.clarity": order})
    rule = QuantileRule(column="quality.clarity", drop=((0.0, 0.1),))
    cut = Cut("quality.clarity", "", "quantile", None, float(values.min()), "inside", 1, 1)
    step = SelectStep(select="quality", rules=(rule,))
    outcome = StepOutcome(step, None, len(every), 0, judged=judged, cuts=(cut,))
    (shape,) = selection_shape(step, outcome)["rules"]
    edges, _ = bin_edges(values, [float(values.min())])
    assert shape["all"] == np.histogram(values, edges)[0].tolist()
    assert shape["quantiles"] == pytest.approx(np.quantile(values, np.linspace(0, 1, 201)))
