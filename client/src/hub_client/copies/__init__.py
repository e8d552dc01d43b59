"""A copy of all that you may see, in a file of your own, kept by the hub's feed and asked without the hub."""

from .answering import CopyAnswer, Kept, LocalCopy
from .file import CopyState, copy_file
from .syncing import Synced
from .writing import CopyWriter

__all__ = ["CopyAnswer", "CopyState", "CopyWriter", "Kept", "LocalCopy", "Synced", "copy_file"]
