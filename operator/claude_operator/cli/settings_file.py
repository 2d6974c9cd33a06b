"""The file with the sidecars' settings, as the chart writes it."""

from pathlib import Path

import click
import yaml

from claude_operator.inject.settings import Settings, SettingsInvalid, settings_of


def read_settings(path: Path | None) -> Settings:
    """The settings in a file, or those that hold without one; raises ClickException."""
    if path is None:
        return Settings()
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
        return settings_of({} if data is None else data)
    except SettingsInvalid as invalid:
        raise click.ClickException(f"{path}: {invalid}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{path}: cannot be read as YAML: {error}") from None
