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


# What stands beside every release of 2020 and 2021.
OF_THAT_TIME = (
    "setuptools<70",
    "cachetools==4.2.2",
    "requests==2.31.0",
    "urllib3==1.26.20",
    "sdnotify==0.3.2",
    "python-rapidjson==1.20",
    "colorama==0.4.6",
    "numpy==1.23.5",
    "pandas==1.5.3",
    "python-dateutil==2.9.0",
    "aiohttp==3.11.18",
    "certifi",
    "cryptography",
)

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

WINTER_2020 = (
    *OF_THAT_TIME,
    "SQLAlchemy==1.3.24",
    "python-telegram-bot==12.3.0",
    "arrow==0.15.5",
    "jsonschema==3.2.0",
    "tabulate==0.8.6",
    "coinmarketcap==5.0.3",
    "jinja2==2.11.3",
    "markupsafe==2.0.1",
    "wrapt",
    "flask==1.1.4",
    "werkzeug==1.0.1",
    "itsdangerous==1.1.0",
    "click==7.1.2",
    "flask-jwt-extended==3.25.1",
    "flask-cors==3.0.10",
    "pycoingecko==2.2.0",
    "pyjwt==1.7.1",
    "questionary==1.5.2",
)

SUMMER_2021 = (
    *OF_THAT_TIME,
    "SQLAlchemy==1.4.54",
    "python-telegram-bot==13.15",
    "arrow==1.1.0",
    "jsonschema==3.2.0",
    "tabulate==0.8.9",
    "pycoingecko==2.2.0",
    "jinja2==3.0.1",
    "wrapt",
    "aiofiles==0.7.0",
    "fastapi==0.65.2",
    "uvicorn==0.14.0",
    "pydantic==1.10.24",
    "pyjwt==2.1.0",
    "questionary==1.10.0",
    "prompt-toolkit==3.0.19",
    "psutil==6.1.1",
    "orjson==3.10.15",
)

SPRING_2024 = (
    "setuptools<70",
    "SQLAlchemy==2.0.41",
    "python-telegram-bot==21.11.1",
    "humanize",
    "cachetools==5.5.2",
    "requests==2.32.3",
    "httpx==0.28.1",
    "urllib3==2.4.0",
    "jsonschema==4.23.0",
    "tabulate==0.9.0",
    "pycoingecko==3.2.0",
    "python-rapidjson==1.20",
    "orjson==3.10.15",
    "jinja2==3.1.6",
    "questionary==2.1.0",
    "prompt-toolkit==3.0.51",
    "joblib==1.4.2",
    "rich==14.0.0",
    "pyarrow==19.0.1",
    "fastapi==0.115.12",
    "pydantic==2.11.5",
    "pyjwt==2.10.1",
    "websockets==14.2",
    "uvicorn==0.34.3",
    "psutil==6.1.1",
    "schedule==1.2.2",
    "janus==2.0.0",
    "ast-comments==1.2.2",
    "aiofiles==24.1.0",
    "sdnotify==0.3.2",
    "python-dateutil==2.9.0",
    "pytz==2025.2",
    "packaging",
    "numpy==1.26.4",
    "pandas==2.1.4",
    "arrow==1.3.0",
    "colorama==0.4.6",
    "py_find_1st==1.1.7",
    "aiohttp==3.11.18",
    "certifi",
    "cryptography",
)

RELEASES = {
    release.version: release
    for release in (
        Release("2020.1", bare=("freqtrade==2020.1", "ccxt==1.21.1"), beside=WINTER_2020),
        Release("2020.6", bare=("freqtrade==2020.6", "ccxt==1.30.1"), beside=WINTER_2020),
        Release("2021.1", bare=("freqtrade==2021.1", "ccxt==1.40.1"), beside=SUMMER_2021),
        Release("2021.6", bare=("freqtrade==2021.6", "ccxt==1.51.1"), beside=SUMMER_2021),
        Release("2024.3", bare=("freqtrade==2024.3", "ccxt==4.2.80"), beside=SPRING_2024),
        Release("2022.9.1", bare=("freqtrade==2022.9.1", "ccxt==1.93.1"), beside=AUTUMN_2022),
        Release("2026.9", beside=("freqtrade==2026.9",)),
    )
}
