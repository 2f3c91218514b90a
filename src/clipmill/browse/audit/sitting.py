"""One judge over one audit. Every answer is read from the workspace: it may be judged elsewhere."""

from pathlib import Path
from threading import Lock
from typing import Any, get_args

from clipmill.audit.answers import AnswerLog, answers_now, closed_judges, read_answers
from clipmill.audit.files import read_audit
from clipmill.audit.schema import BlindAudit, Judged
from clipmill.errors import UsageError
from clipmill.store.workspace import Workspace


class ClosedError(UsageError):
    """The judge has seen the verdicts, or is to see them: answers would not be blind any more."""


class Sitting:
    """The answers of one judge in one audit.

    Args:
        workspace: Where they are.
        audit_id: The audit.
        judge: Who judges.

    Raises:
        UsageError: There is no such audit.
    """

    def __init__(self, workspace: Workspace, audit_id: str, judge: str) -> None:
        self.audit: BlindAudit = read_audit(workspace, audit_id).blind
        self.judge = judge
        self._workspace = workspace
        self._log = AnswerLog(workspace, audit_id, judge)
        self._lock = Lock()

    def clip_at(self, place: int) -> str:
        """Return the clip at a place in the order of judging, from 0.

        Raises:
            UsageError: There is no such place.
        """
        if not 0 <= place < len(self.audit.clips):
            raise UsageError(f"the audit has {len(self.audit.clips)} clips")
        return self.audit.clips[place]

    @property
    def closed(self) -> bool:
        """Whether the judge is done."""
        return self.judge in closed_judges(read_answers(self._workspace, self.audit.id))

    @property
    def state(self) -> dict[str, Any]:
        """Answers by place, None for those to come, and whether the judge is done."""
        rows = read_answers(self._workspace, self.audit.id)
        now = answers_now(rows, self.judge)
        answers = [now.get(clip_id) for clip_id in self.audit.clips]
        return {"answers": answers, "closed": self.judge in closed_judges(rows)}

    def answer(self, place: int, word: str) -> None:
        """Write an answer.

        Raises:
            ClosedError: The judge is done.
            UsageError: There is no such place or answer.
            StorageError: It could not be written.
        """
        clip_id = self.clip_at(place)
        known: dict[str, Judged] = {name: name for name in get_args(Judged)}
        if word not in known:
            raise UsageError(f"no answer {word!r}; there are: {', '.join(known)}")
        with self._lock:
            self._check_open()
            self._log.add(clip_id, known[word])

    def undo(self) -> int | None:
        """Take the latest answer back; return its place, None when there is none.

        Raises:
            ClosedError: The judge is done.
            StorageError: It could not be written.
        """
        with self._lock:
            self._check_open()
            now = answers_now(read_answers(self._workspace, self.audit.id), self.judge)
            if not now:
                return None
            clip_id = list(now)[-1]
            self._log.add(clip_id, "undone")
            return self.audit.clips.index(clip_id)

    def close(self) -> None:
        """Say that the judge is done; from then on the verdicts may be seen.

        Raises:
            UsageError: Nothing was judged.
            StorageError: It could not be written.
        """
        with self._lock:
            state = self.state
            if not any(state["answers"]):
                raise UsageError("nothing was judged yet")
            if not state["closed"]:
                self._log.add("", "closed")

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError(f"{self.judge} is done with {self.audit.id}; draw another audit")


def previews_folder(workspace: Workspace, spare: Path, *, read_only: bool) -> Path:
    """Return where previews are kept: in the workspace where it may be written.

    Args:
        workspace: The workspace.
        spare: A folder of this machine.
        read_only: Whether nothing may be written into the workspace.
    """
    inside = None if read_only else workspace.local_path("browse/audit")
    return inside or spare
