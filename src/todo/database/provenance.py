"""Where a change comes from; every transaction that writes todos says it."""

from dataclasses import dataclass

PERSON = "person"
UPKEEP = "upkeep"


@dataclass(frozen=True)
class Client:
    """What a person acts through: themselves, signed in; an app; a key; or the upkeep, which acts for them.

    The id lasts as long as what it names and is never given to another. The name is for people to read, as it
    was at the time.
    """

    id: str
    name: str | None = None

    @classmethod
    def app(cls, client_id: str, name: str | None) -> "Client":
        """Give an app that the person has connected."""
        return cls(f"app:{client_id}", name)

    @classmethod
    def key(cls, key_id: object, name: str | None) -> "Client":
        """Give an API key."""
        return cls(f"key:{key_id}", name)


@dataclass(frozen=True)
class Provenance:
    """Which client changed something, with which operation or tool, and the reason it stated."""

    client: Client
    tool: str
    reason: str | None = None


BY_UPKEEP = Provenance(Client(UPKEEP), "purge_trash")
