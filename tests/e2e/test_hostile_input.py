"""Whatever is asked, the answer is what the OpenAPI document says. `make fuzz` asks a great deal more.

Two people are known to Schemathesis, and neither may read what the other has made.
"""

from tests.e2e.fuzzing import fuzz, start_for_fuzzing
from tests.e2e.product import Product
from tests.factories import Issuer


def test_every_operation_answers_what_the_document_says(own_product: Product, issuer: Issuer) -> None:
    start_for_fuzzing(own_product, issuer)

    ended = fuzz(own_product, issuer, seed=1, examples=5, seconds=300)

    assert ended.returncode == 0, ended.stdout
