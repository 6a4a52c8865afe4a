import pytest
import torch


@pytest.fixture
def in_float64():
    """Make numbers so precise that networks that compute the same agree in all digits that tests look at."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
