"""The README promises nothing that is not there."""

import re

import click

from hwlib.cli import main


def commands(group, words=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


def test_every_command_has_help_and_is_in_the_readme(root):
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, command in commands(main):
        assert command.help, name
        assert f"hwlib {name}" in text, name


def test_every_make_target_is_explained_and_exists(root):
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = set(re.findall(r"make ([a-z]+)", (root / "README.md").read_text(encoding="utf-8")))
    assert named <= targets
    assert {"lab", "report", "test", "bench", "data", "notebooks", "lint"} <= targets & named


def test_every_file_the_readme_links_to_exists(root):
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (root / page).read_text(encoding="utf-8")):
            assert (root / target).exists(), f"{page}: {target}"
