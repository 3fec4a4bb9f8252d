"""A settings file is found by name or path; whatever is wrong with it is one line that names the file and the place."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from experiments.runtime.toml_files import load_toml


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = 1


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner = Inner()


def test_a_shipped_name_and_a_path_give_the_same(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('name = "x"\n[inner]\nsize = 3\n')
    by_name = load_toml(Thing, "thing", "one", tmp_path)
    assert by_name == load_toml(Thing, "thing", tmp_path / "one.toml", Path("/nowhere"))
    assert by_name.inner.size == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name = ", "thing .*one.toml: not TOML"),
        (b"name = '\xff'", "thing .*one.toml: not TOML"),
        (b"nam = 'x'\nname = 'x'", "one.toml: nam: unknown key; valid are name, inner$"),
        (b"name = 'x'\n[inner]\nsiez = 1", "one.toml: inner.siez: unknown key; valid are size$"),
        (b"name = 1", "one.toml: name: Input should be a valid string"),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_place(
    tmp_path: Path, text: bytes, message: str
) -> None:
    (tmp_path / "one.toml").write_bytes(text)
    with pytest.raises(ValueError, match=message) as raised:
        load_toml(Thing, "thing", "one", tmp_path)
    assert "\n" not in str(raised.value)


def test_a_name_that_is_not_shipped_lists_those_that_are(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("")
    with pytest.raises(ValueError, match="thing 'two': no such file; shipped are one, or give"):
        load_toml(Thing, "thing", "two", tmp_path)
