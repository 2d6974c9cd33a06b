"""Builds the container images: `python tools/images.py [NAME...]`.

Each becomes a docker-archive in the user's cache folder, with its tag in it, and is found there by later runs
as long as nothing that it is made from has changed. Prints where they are as one JSON object on stdout,
progress on stderr.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from builders_lock import one_builder
from image import debian_base
from image.base_choice import BaseChoice, choose_base
from image.base_facts import SCRIPT, parse
from image.docker_archive import layers
from image.engine import Engine, choose, why_not
from image.recipe import BUILT_AT, RECIPES, Recipe
from image.shelf import SHELF
from image.wheels import context
from toolchain import say

Built = dict[str, Any]
"""What is told of an image: tag, tar, key, layers."""


def found(recipe: Recipe, folder: Path, base: BaseChoice) -> Built | None:
    """The image in *folder*, when it is there and made from what is here now."""
    note, tar = folder / f"{recipe.file_name}.json", folder / recipe.file_name
    if not (note.exists() and tar.exists()):
        return None
    built: Built = json.loads(note.read_text())
    return built if built["key"] == recipe.key(base.key) else None


def weights() -> dict[str, int]:
    """Compressed sizes of layers, by digest, as far as they are known from earlier builds."""
    notes = [json.loads(note.read_text()) for note in SHELF.glob("*.tar.json")]
    return {layer["digest"]: layer["compressed_bytes"] for note in notes for layer in note["layers"]}


def build(recipe: Recipe, engine: Engine, base: BaseChoice, folder: Path) -> Built:
    """One image: the tar is replaced when all is well, and not before."""
    begun = time.monotonic()
    say(f"building {recipe.tag}")
    facts = parse(engine.ask(base.image, SCRIPT), base.image)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder) as scratch:
        context(recipe, facts, Path(scratch, "context"))
        arguments = {"BASE": base.image, "VERSION": recipe.version, "SOURCE_DATE_EPOCH": str(BUILT_AT)}
        engine.build(recipe.containerfile, Path(scratch, "context"), recipe.tag, arguments)
        new = Path(scratch, recipe.file_name)
        engine.save(recipe.tag, new)
        built = {
            "tag": recipe.tag,
            "tar": str(folder / recipe.file_name),
            "key": recipe.key(base.key),
            "layers": [asdict(layer) for layer in layers(new, weights())],
        }
        new.rename(folder / recipe.file_name)
        (folder / f"{recipe.file_name}.json").write_text(json.dumps(built))
    say(f"built {recipe.tag} in {time.monotonic() - begun:.0f} s")
    return built


def built(
    recipes: list[Recipe], base_given: str | None, folder: Path, *, only_look: bool
) -> dict[str, Built]:
    """Every image asked for, built where it is missing or out of date."""
    kind = choose()
    base = choose_base(base_given, kind)
    images = {recipe.name: found(recipe, folder, base) for recipe in recipes}
    missing = [recipe for recipe in recipes if not images[recipe.name]]
    if missing and only_look:
        names = ", ".join(recipe.tag for recipe in missing)
        raise SystemExit(f"make: not built yet, or out of date: {names}. Run 'make image' first.")
    if missing:
        with one_builder(SHELF, "building images"), kind() as engine:
            if base.archive == debian_base.path():
                debian_base.ensure()
            if base.archive:
                engine.load(base.archive)
            for recipe in missing:
                images[recipe.name] = found(recipe, folder, base) or build(recipe, engine, base, folder)
    return {name: image for name, image in images.items() if image}


def tell(image: Built) -> None:
    """A line about an image: where it is and what it weighs."""
    *base, ours = image["layers"]
    weights = [
        f"{ours[weight] / 1e6:.1f} MB {word} on a base of {sum(layer[weight] for layer in base) / 1e6:.1f} MB"
        for word, weight in (("compressed", "compressed_bytes"), ("unpacked", "unpacked_bytes"))
    ]
    say(f"{image['tag']} is in {image['tar']}: {', '.join(weights)}")


def main() -> None:
    """Print where each image is."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}; default: all")
    asked.add_argument("--only-look", action="store_true", help="build nothing; fail if one is missing")
    asked.add_argument(
        "--where-possible", action="store_true", help="no failure on a machine that cannot build"
    )
    asked.add_argument("--to-run", action="store_true", help="fail where containers cannot be started either")
    asked.add_argument("--base", help="an image's name, or the path of its tar")
    asked.add_argument("--into", type=Path, default=SHELF, help="folder of the images; default: %(default)s")
    arguments = asked.parse_args()
    unknown = set(arguments.names) - set(RECIPES)
    if unknown:
        asked.error(f"no such image: {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}")
    if arguments.to_run and (sys.platform != "linux" or os.geteuid() != 0):
        raise SystemExit("make: containers are started here by root on Linux: run make as root there.")
    reason = why_not()
    if reason and arguments.where_possible:
        say(f"no image is built here: {reason}")
        print("{}")
        return
    arguments.into.mkdir(parents=True, exist_ok=True)
    recipes = [RECIPES[name] for name in arguments.names or RECIPES]
    images = built(recipes, arguments.base, arguments.into.resolve(), only_look=arguments.only_look)
    for image in images.values():
        tell(image)
    print(json.dumps(images))


if __name__ == "__main__":
    main()
