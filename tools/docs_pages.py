"""A hook of MkDocs: pages that lie outside docs/, and links that leave the site.

The README, the changelog and their like are written once, for readers of the repository; here they
become pages of the site. A link to a file of the repository that is no page becomes plain text. A
link to nothing stays as it is, so that the strict build stops at it.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Files of the repository that are pages of the site."""

_LINK = re.compile(r"(?P<text>!?\[[^][]*\])\((?P<target>[^()#\s]+)(?P<anchor>#[^()\s]*)?\)")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text("utf-8")
        files.append(File.generated(config, page, content=site_links(text, name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page of docs/ into links of the site."""
    if page.file.src_uri in PAGES.values():
        return markdown
    return site_links(markdown, f"docs/{page.file.src_uri}")


def site_links(text: str, name: str) -> str:
    """Return Markdown with its links as they are in the site; code stays as it is.

    Args:
        text: Markdown.
        name: Path of its file in the repository.
    """

    def replaced(match: re.Match[str]) -> str:
        label, target, anchor = match["text"], match["target"], match["anchor"] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        if path in PAGES:
            return f"{label}({PAGES[path]}{anchor})"
        if path.startswith("docs/"):
            return f"{label}({path.removeprefix('docs/')}{anchor})"
        return label.strip("[]") if (ROOT / path).exists() else match[0]

    parts = _CODE.split(text)
    # What the pattern captured, code, stands at odd places.
    return "".join(part if i % 2 else _LINK.sub(replaced, part) for i, part in enumerate(parts))
