import subprocess
import sys

HEAVY = (
    "reasoning_gym",
    "datasets",
    "huggingface_hub",
    "fsspec",
    "s3fs",
    "gcsfs",
    "aiohttp",
    "boto3",
    "pyarrow.dataset",
    "pandas",
)


def test_reading_the_catalogue_imports_no_vendor() -> None:
    program = (
        "import sys\n"
        "from s1_assets.adapters.sources.catalogue_files import read_catalogue\n"
        "from s1_assets.adapters.sources.readers import SourceReaders\n"
        "from s1_assets.domain.catalogue.questions import questions_of\n"
        "read_catalogue(); SourceReaders()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
