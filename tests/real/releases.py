"""The genuine releases the portal is held against, and what each needs beside it to run today.

Old releases name no upper bounds, so a plain installation pulls libraries that did not exist at their time: those
are installed without their own wishes, beside the versions of their era. A further release is one more row.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    version: str  # as the package registry has it
    bare: tuple[str, ...] = ()  # requirements installed without their dependencies, the release itself first
    beside: tuple[str, ...] = ()  # ordinary requirements

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split("."))


AUTUMN_2022 = (
    "setuptools<70",
    "SQLAlchemy==1.4.54",
    "python-telegram-bot==13.15",
    "arrow==1.2.3",
    "cachetools==4.2.2",
    "requests==2.31.0",
    "urllib3==1.26.20",
    "jsonschema==4.16.0",
    "tabulate==0.8.10",
    "pycoingecko==3.0.0",
    "jinja2==3.1.2",
    "joblib==1.2.0",
    "python-rapidjson==1.20",
    "orjson==3.10.15",
    "sdnotify==0.3.2",
    "numpy==1.23.5",
    "pandas==1.5.3",
    "fastapi==0.85.0",
    "uvicorn==0.18.3",
    "pydantic==1.10.24",
    "pyjwt==2.5.0",
    "aiofiles==22.1.0",
    "psutil==6.1.1",
    "colorama==0.4.6",
    "questionary==1.10.0",
    "prompt-toolkit==3.0.31",
    "python-dateutil==2.9.0",
    "schedule==1.1.0",
    "websockets==10.4",
    "janus==1.0.0",
    "aiohttp==3.11.18",
    "certifi",
    "cryptography",
)

RELEASES = {
    release.version: release
    for release in (
        Release("2022.9.1", bare=("freqtrade==2022.9.1", "ccxt==1.93.1"), beside=AUTUMN_2022),
        Release("2026.9", beside=("freqtrade==2026.9",)),
    )
}
