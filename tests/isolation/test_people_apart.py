"""Three people, whatever they do and in whatever order, are answered what the model says and nothing else."""

from tests.factories import Issuer
from tests.isolation.run import run_histories, service_aside
from todo.database.url import DatabaseUrl


def test_three_people_are_answered_what_the_model_says(server: DatabaseUrl, issuer: Issuer) -> None:
    with service_aside(server, issuer) as (portal, service):
        run_histories(portal, service, histories=40, steps=30, number=1)
