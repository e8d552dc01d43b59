"""Hashes of pictures, videos and files, made where the files are: no media goes to the hub."""

from .files import FileHashes, hash_file
from .parallel import Outcome, files_in, hash_files
from .pdq import pdq

__all__ = ["FileHashes", "Outcome", "files_in", "hash_file", "hash_files", "pdq"]
