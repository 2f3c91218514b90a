"""A pipeline that only probes: nobody has judged a clip, and all of them are looked at."""

from browser_asks import ask
from served_site import served

from clipmill.config import SourceConfig
from clipmill.config.load import parse_pipeline
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import run_pipeline
from clipmill.store.workspace import Workspace
from media import make_clip


def test_clips_that_no_step_has_judged_have_all_their_pages(tmp_path):
    (tmp_path / "videos").mkdir()
    make_clip(tmp_path / "videos" / "one.mp4", frames=30)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    pipeline = parse_pipeline("name: plain\nsteps:\n  - annotate: probe\n", name="plain")
    source = SourceConfig(path=str(tmp_path / "videos"))
    workspace = Workspace.open(tmp_path / "workspace", create=True)
    pipeline = pipeline.model_copy(update={"sources": (source,)})
    run_pipeline(pipeline, workspace, engine=InProcessEngine())
    with served(workspace.root) as site:
        keys = site.catalogue.keys.to_pylist()
        (clip,) = (key for key in keys if "-" in key)
        pages = ["/", "/clips", "/whatif", "/whatif/data", f"/judge?clips={clip}"]
        pages += [f"/clip/{key}" for key in keys] + [f"/clip/{key}/data.json" for key in keys]
        pages += [f"/clip/{clip}/part/0.mp4", f"/clip/{clip}/frame/29.jpg", f"/thumb/{clip}.jpg"]
        assert {path: ask(site, path).status for path in pages} == dict.fromkeys(pages, 200)
        assert ask(site, f"/clip/{clip}/frame/30.jpg").status == 404
