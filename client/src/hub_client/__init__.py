"""Client of the intelligence-sharing hub: hash at your side, submit, look up, follow matches, give verdicts.

    from hub_client import HubClient, Indicator, NewSignal, hash_file

Media are hashed here and stay here; of identifiers only tokens leave.
"""

__version__ = "0.1.0"

from .answers import LookupAnswer, Match, RowResult, Signal, WhoAmI
from .async_client import AsyncHubClient
from .client import HubClient
from .copies import CopyAnswer, CopyState, Kept, LocalCopy, Synced
from .errors import (
    BadCopy,
    BadSetting,
    Conflict,
    Gone,
    HubClientError,
    HubFailed,
    HubUnavailable,
    Invalid,
    KeyRefused,
    NoAnswer,
    NotFound,
    NotPermitted,
    Problem,
    ProofFailed,
    Refused,
    TooManyRequests,
    UnexpectedAnswer,
    UnreadableFile,
)
from .exchange import Retries
from .hashing import FileHashes, files_in, hash_file, hash_files
from .signal_types import InvalidValue
from .signals import Account, Indicator, NewSignal
from .watching import Watch

__all__ = [
    "Account",
    "AsyncHubClient",
    "BadCopy",
    "BadSetting",
    "Conflict",
    "CopyAnswer",
    "CopyState",
    "FileHashes",
    "Gone",
    "HubClient",
    "HubClientError",
    "HubFailed",
    "HubUnavailable",
    "Indicator",
    "Invalid",
    "InvalidValue",
    "Kept",
    "KeyRefused",
    "LocalCopy",
    "LookupAnswer",
    "Match",
    "NewSignal",
    "NoAnswer",
    "NotFound",
    "NotPermitted",
    "Problem",
    "ProofFailed",
    "Refused",
    "Retries",
    "RowResult",
    "Signal",
    "Synced",
    "TooManyRequests",
    "UnexpectedAnswer",
    "UnreadableFile",
    "Watch",
    "WhoAmI",
    "files_in",
    "hash_file",
    "hash_files",
]
