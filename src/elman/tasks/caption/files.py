"""The files of a captioner that stay the same while its weights change: its tokens, and the format
of pictures."""

import dataclasses
import json
from collections.abc import Mapping

from elman.data.picture_format import PictureFormat
from elman.errors import FolderError
from elman.text.tokenizer import Tokenizer

_FORMAT = "pictures.json"
_LONGEST = 10_000


@dataclasses.dataclass(frozen=True)
class CaptionFiles:
    """What is fitted on the training part."""

    tokenizer: Tokenizer
    shape: PictureFormat
    longest: int
    """Tokens of the longest caption of the training part, `</s>` among them."""

    def to_files(self) -> dict[str, bytes]:
        """Their contents, by name."""
        about = {"format": self.shape.to_json(), "longest": self.longest}
        return {**self.tokenizer.to_files(), _FORMAT: json.dumps(about).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "CaptionFiles":
        """Rebuild from ``to_files``.

        Raises:
            FolderError: a file is missing or damaged.
            UsageError: a format that is not possible.
        """
        try:
            about = json.loads(files[_FORMAT])
            shape, longest = about["format"], about["longest"]
        except (KeyError, TypeError, ValueError) as error:
            raise FolderError(f"{_FORMAT} is damaged; copy the folder again") from error
        if not isinstance(longest, int) or not 1 <= longest <= _LONGEST:
            raise FolderError(f"{_FORMAT} is damaged; copy the folder again")
        return cls(Tokenizer.from_files(files), PictureFormat.from_json(shape), longest)
