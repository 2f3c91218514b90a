"""What an error of the operating system means, in words for the user."""

import errno
import os

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a disk, or an allowance on it, that is full."""

_REMEDIES = {
    errno.ENOSPC: "make room on that disk and run the same command again",
    errno.EDQUOT: "you are over your allowance there: make room and run the same command again",
    errno.EFBIG: "the limit on file sizes (`ulimit -f`) is too low",
    errno.EROFS: "that file system is read-only: choose another folder, or mount it writable",
    errno.EACCES: "you may not: change the permissions, or choose another folder",
    errno.EPERM: "you may not: change the permissions, or choose another folder",
    errno.ENAMETOOLONG: "the name is too long for that file system: choose a shorter one",
    errno.ENOENT: "it is not there: check the path",
    errno.EISDIR: "it is a folder: name a file",
    errno.ENOTDIR: "there is a file where a folder should be: move it away, or choose another path",
    errno.EEXIST: "there is something of that name already: choose another path",
    errno.EMFILE: "too many files are open: raise the limit (`ulimit -n`) or use fewer workers",
    errno.ENOMEM: "the machine has no memory left: use fewer workers",
    errno.EIO: "the disk or its connection fails: look at the system's log before you go on",
    errno.ESTALE: "the network disk went away: mount it again and run the same command again",
    errno.ENOTCONN: "the network disk went away: mount it again and run the same command again",
}


def system_remedy(error: OSError) -> str:
    """Return what to do about an error; empty where nothing is known."""
    return _REMEDIES.get(error.errno or 0, "")


def explain(error: OSError) -> str:
    """Return what went wrong, where, and what to do: one line, for any error of the system."""
    what = error.strerror or str(error) or type(error).__name__
    if isinstance(error.filename, int):  # a descriptor, which says nothing to anybody
        where = ""
    else:
        where = os.fsdecode(error.filename) if error.filename else ""
    remedy = system_remedy(error)
    text = f"{where}: {what}" if where else what
    return f"{text}; {remedy}" if remedy else text
