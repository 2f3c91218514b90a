"""Blind double-checking through the real server."""

import http.client
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from served_site import served

from clipmill.audit.files import read_audit, start_audit
from clipmill.audit.schema import DrawnAudit
from clipmill.browse.site import Site
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.store.workspace import Workspace


def ask(site: Site, path: str, body: object = None) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask as the page does: POST with a body, else GET."""
    link = http.client.HTTPConnection("127.0.0.1", site.port, timeout=300)
    headers = {"Cookie": f"clipmill-{site.port}={site.token}"}
    if body is None:
        link.request("GET", path, headers=headers)
    else:
        headers |= {"Origin": f"http://127.0.0.1:{site.port}", "Content-Type": "application/json"}
        link.request("POST", path, json.dumps(body), headers)
    answer = link.getresponse()
    return answer, answer.read()


def told(site: Site, path: str, body: object = None) -> dict:
    answer, data = ask(site, path, body)
    assert answer.status == 200, data
    return json.loads(data)


@pytest.fixture
def copy(workspace: str, tmp_path: Path) -> str:
    """A finished run that may be written to."""
    shutil.copytree(workspace, tmp_path / "copy")
    return str(tmp_path / "copy")


@pytest.fixture
def judging(copy: str) -> Iterator[tuple[Site, DrawnAudit]]:
    """A server with an audit that was just started."""
    with served(copy, judge="ann") as site:
        address = told(site, "/audit", {"wanted": 200, "by": "step"})["address"]
        yield site, read_audit(Workspace.open(copy), address.rpartition("/")[2])


def test_the_verdict_is_nowhere_in_what_the_page_gets(judging):
    """Every byte of every answer, with its headers, while a judge is at work."""
    site, audit = judging
    base = f"/audit/{audit.blind.id}"
    place = audit.blind.clips.index
    got: list[tuple[str, bytes]] = []

    def note(path: str, body: object = None) -> bytes:
        answer, data = ask(site, path, body)
        head = "\n".join(f"{name}: {value}" for name, value in answer.getheaders())
        got.append((path, head.encode() + b"\n\n" + data))
        return data

    page = note(base)
    for path in re.findall(rb'(?:src|href)="(/static/[^"]+)"', page):
        note(path.decode())
    note("/audit")
    note(f"{base}/state.json")
    shapes: dict[str, set[tuple]] = {"kept": set(), "dropped": set()}
    for clip_id in audit.blind.clips:
        facts = json.loads(note(f"{base}/clips/{place(clip_id)}.json"))
        shapes[audit.verdicts[clip_id].state].add(tuple(facts))
        for part in ("video", "poster"):
            answer, data = ask(site, f"{base}/clips/{place(clip_id)}/{part}")
            names = tuple(name for name, _ in answer.getheaders())
            shapes[audit.verdicts[clip_id].state].add((part, answer.status, names))
            got.append((part, str(answer.getheaders()).encode() + data))
        note(f"{base}/answers", {"place": place(clip_id), "answer": "good"})
    note(f"{base}/undo", {})
    note(f"{base}/state.json")
    # Kept and dropped clips get answers of one shape, and the judge cannot ask for more.
    assert shapes["kept"] == shapes["dropped"]
    answer, data = ask(site, f"{base}/result")
    assert (answer.status, data) == (303, b"")
    secrets = set(audit.blind.clips) | {c[:16] for c in audit.blind.clips}
    secrets |= {v.reason for v in audit.verdicts.values()} - {""}
    secrets |= {v.path for v in audit.verdicts.values()}
    for path, data in got:
        for secret in secrets:
            assert secret.encode() not in data, (path, secret)
    # What is about one clip names no state, step or score; pages use the words to explain.
    words = ("kept", "dropped", "quality", "motion", "verdict", "score", "step", "sample")
    for path, data in got:
        if "/clips/" in path or path.endswith(("state.json", "answers", "undo")):
            assert not any(word in data.decode().lower() for word in words), (path, data)


def test_captions_are_those_of_the_data_set_alone(judging):
    """A caption of the pipeline would tell that a clip came far."""
    site, audit = judging
    texts = set()
    for number, clip_id in enumerate(audit.blind.clips):
        text = told(site, f"/audit/{audit.blind.id}/clips/{number}.json")["caption"]
        texts.add(text)
        assert bool(text) == audit.verdicts[clip_id].path.startswith("evil")
    assert len(texts) == 2


def test_the_state_is_of_places_alone(judging):
    site, audit = judging
    base = f"/audit/{audit.blind.id}"
    told(site, f"{base}/answers", {"place": 1, "answer": "bad"})
    told(site, f"{base}/answers", {"place": 0, "answer": "unsure"})
    assert told(site, f"{base}/state.json")["answers"][:3] == ["unsure", "bad", None]
    assert told(site, f"{base}/undo", {}) == {"place": 0}
    assert told(site, f"{base}/undo", {}) == {"place": 1}
    assert told(site, f"{base}/undo", {}) == {"place": None}
    assert set(told(site, f"{base}/state.json")["answers"]) == {None}


def test_who_has_seen_the_result_answers_no_more(judging, copy):
    site, audit = judging
    base = f"/audit/{audit.blind.id}"
    assert ask(site, f"{base}/close", {})[0].status == 400  # nothing was judged
    for number, clip_id in enumerate(audit.blind.clips):
        good = audit.verdicts[clip_id].state == "kept"
        told(site, f"{base}/answers", {"place": number, "answer": "good" if good else "bad"})
    address = told(site, f"{base}/close", {})["address"]
    page = ask(site, address)[1].decode()
    assert page.count("100 %") >= 2
    assert "None." in page
    for path, body in (("answers", {"place": 0, "answer": "bad"}), ("undo", {})):
        assert ask(site, f"{base}/{path}", body)[0].status == 409
    assert ask(site, base)[0].status == 303
    # Another judge is blind still.
    with served(copy, judge="bob") as other:
        assert ask(other, base)[0].status == 200
        assert ask(other, f"{base}/result")[0].status == 303


def test_what_was_judged_against_the_pipeline_is_shown_in_the_end(judging):
    site, audit = judging
    base = f"/audit/{audit.blind.id}"
    kept = next(c for c in audit.blind.clips if audit.verdicts[c].state == "kept")
    for number, clip_id in enumerate(audit.blind.clips):
        told(
            site,
            f"{base}/answers",
            {"place": number, "answer": "bad" if clip_id == kept else "good"},
        )
    told(site, f"{base}/close", {})
    page = ask(site, f"{base}/result")[1].decode()
    assert f"/clip/{kept}" in page
    assert page.count("<article") == 1 + sum(v.state == "dropped" for v in audit.verdicts.values())
    assert "<img src=x" not in page  # names of files stay texts


@pytest.mark.parametrize(
    "body",
    [
        {"place": 0, "answer": "closed"},
        {"place": -1, "answer": "good"},
        {"place": "0"},
        [],
        {"place": 1e9},
    ],
)
def test_wrong_answers_are_refused(judging, body):
    site, audit = judging
    answer, data = ask(site, f"/audit/{audit.blind.id}/answers", body)
    assert answer.status == 400
    assert json.loads(data)["problem"]
    assert set(told(site, f"/audit/{audit.blind.id}/state.json")["answers"]) == {None}


@pytest.mark.parametrize("body", [{"wanted": 0, "by": "step"}, {"wanted": 5, "by": "x"}, {}])
def test_wrong_starts_are_refused(judging, body):
    assert ask(judging[0], "/audit", body)[0].status == 400


@pytest.mark.parametrize("name", ["audit-7", "..", "%2e%2e", "audit-1%2f..%2faudit-1"])
def test_unknown_audits_are_refused(judging, name):
    assert ask(judging[0], f"/audit/{name}")[0].status in (400, 404)
    assert ask(judging[0], f"/audit/{name}/state.json")[0].status in (400, 404)


def test_read_only_starts_nothing(copy):
    with served(copy, read_only=True) as site:
        assert ask(site, "/audit", {"wanted": 5, "by": "state"})[0].status == 403
        assert b"Start an audit" not in ask(site, "/audit")[1]
    assert not (Path(copy) / "audits").exists()


def test_a_video_that_is_gone_is_told(copy):
    """As after a rerun that lists its videos elsewhere, where they are not any more."""
    workspace = Workspace.open(copy)
    audit = start_audit(*require_last_run(copy), wanted=200)
    videos = workspace.read_table("videos.parquet")
    gone = pa.array([f"/gone/{k}.mp4" for k in range(videos.num_rows)])
    at = videos.column_names.index("uri")
    workspace.write_table("videos.parquet", videos.set_column(at, "uri", gone))
    with served(copy, judge="ann") as site:
        for number in range(len(audit.blind.clips)):
            facts = told(site, f"/audit/audit-1/clips/{number}.json")
            assert facts["problem"].startswith("this clip cannot be shown")
            assert ask(site, f"/audit/audit-1/clips/{number}/video")[0].status == 404
