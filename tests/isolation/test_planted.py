"""The histories find what they are there to find. Here is a handful; `make planted` tries everything."""

import pytest

from tests.isolation.copies import SOURCE
from tests.isolation.defects import Defect
from tests.isolation.planted import Policies, trials
from todo.database.url import DatabaseUrl

TRIALS = list(trials())


@pytest.mark.parametrize(
    "defect", dict.fromkeys(trial.defect for trial in TRIALS), ids=lambda defect: defect.name
)
def test_every_defect_still_fits_the_source(defect: Defect) -> None:
    for change in defect.changes:
        assert (SOURCE / change.file).read_text(encoding="utf-8").count(change.old) == 1


@pytest.mark.parametrize(
    ("name", "policies"),
    [
        ("nothing", Policies.SWITCHED_OFF),
        ("no owner in list and total", Policies.OPEN_AND_UNNOTICED),
        ("cursors and tokens of everybody", Policies.AS_THEY_ARE),
    ],
)
def test_a_planted_defect_is_found(server: DatabaseUrl, name: str, policies: Policies) -> None:
    [trial] = [t for t in TRIALS if (t.defect.name, t.policies, t.tests) == (name, policies, ())]

    ending, said = trial.run(str(server))

    assert ending in trial.expected, said
