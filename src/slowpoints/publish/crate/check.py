"""The description of a run, checked against its profile by roc-validator, without a network.

The validator asks the net for one file, the vocabulary of RO-Crate 1.1. rocrate brings that of 1.3,
which has the same terms but for one that we use, so this one is put back and the file laid where
the validator keeps answers.
"""

import importlib.resources
import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from requests.structures import CaseInsensitiveDict
from requests_cache import CachedSession
from requests_cache.models.request import CachedRequest
from requests_cache.models.response import CachedResponse
from rocrate_validator.models import Severity
from rocrate_validator.models.settings import ValidationSettings
from rocrate_validator.services import validate

VOCABULARY = "https://w3id.org/ro/crate/1.1/context"
OLDER = {"ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow"}
PROFILE = "provenance-run-crate"


def problems(archive: Path) -> dict[str, set[str]]:
    """Return what the checks of the profile find wrong with an archive.

    `required` and `recommended`.
    """
    with TemporaryDirectory() as folder:
        zipfile.ZipFile(archive).extractall(Path(folder, "crate"))
        _lay_vocabulary(Path(folder, "answers"))
        settings = ValidationSettings(
            rocrate_uri=str(Path(folder, "crate")),
            profile_identifier=PROFILE,
            skip_availability_check=True,
            requirement_severity=Severity.RECOMMENDED,
            cache_path=Path(folder, "answers"),
            offline=True,
        )
        issues = validate(settings).get_issues()
    required = {str(one.message) for one in issues if one.severity >= Severity.REQUIRED}
    return {"required": required, "recommended": {str(one.message) for one in issues} - required}


def _lay_vocabulary(answers: Path) -> None:
    terms = json.loads(
        importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
    )
    terms["@context"] |= OLDER
    session = CachedSession(str(answers), expire_after=-1)
    request = CachedRequest(method="GET", url=VOCABULARY)
    answer = CachedResponse(
        content=json.dumps(terms).encode(),
        status_code=200,
        url=VOCABULARY,
        encoding="utf-8",
        request=request,
        headers=CaseInsensitiveDict({"Content-Type": "application/ld+json"}),
    )
    session.cache.save_response(answer, session.cache.create_key(request))
    session.close()
