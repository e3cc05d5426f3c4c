from collections.abc import Iterator

import pytest

from kasmcore.kernels import without_library


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def either_kernel(request) -> Iterator[None]:
    """Run a module's tests with the compiled library, and again without it."""
    if request.param == "compiled":
        yield
    else:
        with without_library():
            yield
