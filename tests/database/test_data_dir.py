"""The folder that everything lives in."""

from pathlib import Path

import pytest

from todo.database.data_dir import open_data_dir
from todo.problems import CannotStart


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "data") as data_dir:
        first = data_dir.secret()
    with open_data_dir(tmp_path / "data") as data_dir:
        second = data_dir.secret()

    assert first == second
    assert len(first) >= 32
    assert (tmp_path / "data/secret").stat().st_mode & 0o777 == 0o600


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "one") as one, open_data_dir(tmp_path / "other") as other:
        assert one.secret() != other.secret()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match="TODO_DATA_DIR"), open_data_dir(tmp_path / "file/data"):
        pass
