"""The token of a plan."""

from uuid import uuid4

from todo.transport.plans import plan_of


def test_a_plan_is_of_one_person_one_secret_one_tool_and_what_it_touches() -> None:
    person = uuid4()
    plan = plan_of(b"secret", person, "delete", [[1, 2]])

    assert plan == plan_of(b"secret", person, "delete", [[1, 2]])
    assert plan not in {
        plan_of(b"another", person, "delete", [[1, 2]]),
        plan_of(b"secret", uuid4(), "delete", [[1, 2]]),
        plan_of(b"secret", person, "update", [[1, 2]]),
        plan_of(b"secret", person, "delete", [[1, 3]]),
    }
