from m2t.bench import measure, sample

from .conftest import float_codec


def test_float_weights(model):
    found = measure(float_codec(model), sample(megapixels=0.005), runs=1, warmup=0)
    assert found["operations"] == "float"
