"""The use cases of API keys, and the problems they can raise."""

from datetime import timedelta
from uuid import UUID

import uuid_utils.compat as uuids

from todo.auth.api_key import ApiKey
from todo.database.tables import ApiKeyRow
from todo.database.transaction import Transaction
from todo.features.keys.repository import KeyRepository
from todo.features.keys.schemas import KeyCreate, KeyList, KeyMade
from todo.problems import Forbidden, NotFound

KEYS_MAX = 50


class KeyNotFound(NotFound):
    """You have no API key with this id."""

    title = "API key not found"
    error_code = "key_not_found"


class TooManyKeys(Forbidden):
    """You have as many API keys as you may have: revoke one first."""

    title = "Too many API keys"
    error_code = "too_many_keys"


class KeyService:
    """What a person can do with their API keys."""

    def __init__(self, keys: KeyRepository) -> None:
        self._keys = keys

    async def create_key(self, wanted: KeyCreate) -> KeyMade:
        """Make a key; the answer is the only place it is ever shown."""
        at = await self._keys.begin()
        if await self._keys.count() >= KEYS_MAX:
            raise TooManyKeys
        key = ApiKey.new(self._keys.owner_id)
        days = wanted.expires_in_days
        made = await self._keys.add(
            ApiKeyRow(
                user_id=key.user_id,
                id=uuids.uuid7(),
                name=wanted.name,
                digest=key.digest,
                hint=key.hint,
                scopes=[str(scope) for scope in wanted.scopes],
                created_at=at,
                expires_at=None if days is None else at + timedelta(days=days),
            )
        )
        return KeyMade(**made.model_dump(), key=str(key))

    async def list_keys(self) -> KeyList:
        """Give all keys; those that have expired too."""
        return KeyList(items=await self._keys.all())

    async def revoke_key(self, key_id: UUID) -> None:
        """End a key; the next request with it is refused."""
        if not await self._keys.remove(key_id):
            raise KeyNotFound


def key_service(transaction: Transaction) -> KeyService:
    """Build the service of the person the transaction belongs to."""
    return KeyService(KeyRepository(transaction))
