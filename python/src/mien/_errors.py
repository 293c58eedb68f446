"""Exceptions by kind, with the messages of the library: "subject: problem (expected X, got Y)"."""


class Error(Exception):
    """What every call of mien raises when it cannot answer.

    >>> import mien
    >>> try:
    ...     mien.load("no-such-bundle")
    ... except mien.Error as problem:
    ...     print(type(problem).__name__)
    NotFound
    """


class InvalidArgument(Error, ValueError):
    """The call is wrong: labels, options, a picture of another shape, a closed model.

    >>> import mien
    >>> issubclass(mien.InvalidArgument, ValueError)
    True
    """


class NotFound(Error, FileNotFoundError):
    """A file or bundle does not exist.

    >>> import mien
    >>> issubclass(mien.NotFound, FileNotFoundError)
    True
    """


class Corrupt(Error, ValueError):
    """Content is damaged.

    >>> import mien
    >>> try:
    ...     mien.detect(b"\\x89PNG\\r\\n\\x1a\\nno picture")
    ... except mien.Corrupt:
    ...     print("damaged")
    damaged
    """


class Unsupported(Error):
    """A format that mien does not read, or something that this bundle cannot do.

    >>> import mien
    >>> try:
    ...     mien.detect(b"no picture")
    ... except mien.Unsupported:
    ...     print("not read")
    not read
    """


class ResourceLimit(Error, MemoryError):
    """Too large, or out of memory.

    >>> import mien
    >>> issubclass(mien.ResourceLimit, MemoryError)
    True
    """


class IoError(Error, OSError):
    """The system could not read or write.

    >>> import mien
    >>> issubclass(mien.IoError, OSError)
    True
    """


class Cancelled(Error):
    """A clip was ended before its end.

    >>> import mien
    >>> issubclass(mien.Cancelled, mien.Error)
    True
    """


class Internal(Error, RuntimeError):
    """A bug in mien; please report it.

    >>> import mien
    >>> issubclass(mien.Internal, RuntimeError)
    True
    """


_KINDS = (Error, InvalidArgument, NotFound, Corrupt, Unsupported, ResourceLimit, IoError, Cancelled, Internal)


def by_code(code: int, message: str) -> Error:
    """The exception for a code of the library; for the binding."""
    return _KINDS[code if 0 < code < len(_KINDS) else 0](message)
