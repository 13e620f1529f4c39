"""No symbol may depend on itself or on what comes later; and the tests notice if one does."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from m2t.coding import code_windows
from m2t.config import Aim, ModelConfig
from m2t.geometry.schedule import build
from m2t.learn.floats.network import FloatNetwork
from m2t.learn.networks import transformer
from m2t.learn.networks.layers import KeyValueCache
from m2t.learn.networks.transformer import EntropyModel, PlacedSlots, place, placed_m2t_slots
from m2t.predict.predictor import Group, Predictor, build_predictor
from m2t.predict.slots import mt_slots
from m2t.presets import tiny

from ..conftest import vary
from .conftest import Recorder, seeded_model

HEIGHT, WIDTH = 5, 6
NUM_TOKENS = HEIGHT * WIDTH
AIM = Aim(50, "eye")
HEADS = {"sliced": {}, "factorised": {"head": "factorised", "slices": (), "head_width": 0}}
PLAIN = {"neighbours": False, "source_positions": False, "style": "gelu", "delta": 5.0}


def entropy_model(config: ModelConfig) -> EntropyModel:
    return seeded_model(config).entropy


def latents(seed: int = 0, windows: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(windows, NUM_TOKENS, 12, generator=generator)).round()


@torch.inference_mode()
def bits(model: EntropyModel, y: Tensor) -> Tensor:
    """(W, N, C) in raster order."""
    windows = y.unflatten(1, (HEIGHT, WIDTH))
    return model(windows, windows, torch.zeros(len(y), 2)).flatten(1, 2)


def leaks(model: EntropyModel) -> list[str]:
    """Changes of a token's channel that alter what must have been settled before it."""
    cases = [(token, channel) for token in range(0, NUM_TOKENS, 3) for channel in (0, 3, 11)]
    y = latents().repeat(1 + len(cases), 1, 1)
    for i, (token, channel) in enumerate(cases):
        y[1 + i, token, channel] += 2
    all_bits = bits(model, y)
    # Not equality: rows of a batch may go through different kernels, one rounding apart.
    same = ((all_bits[1:] - all_bits[0]).abs() < 1e-4).numpy()
    group_of = build(model.schedule, HEIGHT, WIDTH).group_of
    found = []
    for (token, channel), unchanged in zip(cases, same, strict=True):
        earlier = group_of < group_of[token]
        others = (group_of == group_of[token]) & (np.arange(NUM_TOKENS) != token)
        own_slice = next(s for s in model.head.slices if s.start <= channel < s.stop)
        own = np.arange(own_slice.start, own_slice.stop)
        checks = {
            "an earlier group": unchanged[earlier],
            "another token of the group": unchanged[others],
            "an earlier slice": unchanged[token, : own_slice.start],
            "the rest of its slice": unchanged[token, own[own != channel]],
        }
        found += [f"{who} sees {token}.{channel}" for who, ok in checks.items() if not ok.all()]
    return found


@pytest.mark.parametrize("masking", ["m2t", "mt"])
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("plain", [False, True])
def test_nothing_sees_the_future(masking: str, head: str, plain: bool) -> None:
    options = {"masking": masking, **HEADS[head], **(PLAIN if plain else {})}
    assert leaks(entropy_model(vary(tiny(), **options))) == []


def test_later_groups_do_see_earlier_ones() -> None:
    model = entropy_model(tiny())
    y = latents().repeat(2, 1, 1)
    y[1, build(model.schedule, HEIGHT, WIDTH).order[0], 0] += 2
    before, after = bits(model, y)
    assert ((after - before).abs() > 1e-4).float().mean() > 0.5


def test_without_the_attention_mask_the_future_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def unmasked(*args: object) -> PlacedSlots:
        return placed_m2t_slots(*args)._replace(bias=None)  # type: ignore[arg-type]

    model = entropy_model(tiny())
    monkeypatch.setattr(transformer, "placed_m2t_slots", unmasked)
    assert leaks(model)


def test_without_the_neighbours_mask_the_future_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_known(*args: object) -> PlacedSlots:
        around = torch.arange(8).repeat(NUM_TOKENS, 1)
        return placed_m2t_slots(*args)._replace(neighbours=around)  # type: ignore[arg-type]

    model = entropy_model(tiny())
    monkeypatch.setattr(transformer, "placed_m2t_slots", all_known)
    assert leaks(model)


def test_a_head_that_sees_its_own_slice_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = entropy_model(tiny())
    forward = model.head.forward

    def peeking(y: Tensor, trunk: Tensor, tokens: Tensor, prior: Tensor) -> Tensor:
        return forward(y, trunk + tokens.sum(-1, keepdim=True), tokens, prior)

    monkeypatch.setattr(model.head, "forward", peeking)
    assert leaks(model)


@pytest.mark.parametrize("masking", ["m2t", "mt"])
@pytest.mark.parametrize("head", HEADS)
def test_steps_predict_what_one_pass_does(masking: str, head: str) -> None:
    """The cached steps of decoding against the masked pass of training."""
    config = vary(tiny(), masking=masking, **HEADS[head])
    model = entropy_model(config)
    y = latents(windows=3)
    recorders = [Recorder() for _ in y]
    predictor = build_predictor(FloatNetwork(model, config), [(HEIGHT, WIDTH)] * 3, AIM)
    tokens = y.flatten(0, 1).numpy().astype(np.int32)
    assert np.array_equal(code_windows(predictor, recorders, tokens), tokens)
    schedule = build(model.schedule, HEIGHT, WIDTH)
    num_groups = len(schedule.ends)
    t = torch.tensor([config.rate.t(AIM)] * 3)
    if masking == "m2t":
        slots = placed_m2t_slots(model.schedule, HEIGHT, WIDTH, model.config.window, t.device)
        expected = all_means(model, y, slots, t)
    else:
        expected = torch.empty(3, NUM_TOKENS, model.config.mixtures, 12)
        for part in schedule.slices:
            known = torch.zeros(3, NUM_TOKENS, dtype=torch.bool)
            known[:, schedule.order[: part.start].copy()] = True
            slots = place(mt_slots(known.numpy(), HEIGHT, WIDTH, model.config.window), t.device)
            means = all_means(model, y, slots, t)
            expected[:, part] = means[:, schedule.order[part].copy()]
    for recorder, means in zip(recorders, expected.detach().transpose(2, 3).numpy(), strict=True):
        stepped = np.concatenate([_group_means(recorder, i, model) for i in range(num_groups)])
        np.testing.assert_allclose(stepped, means, atol=0.02, rtol=1e-3)


def all_means(model: EntropyModel, y: Tensor, slots: PlacedSlots, t: Tensor) -> Tensor:
    """(B, n, mixtures, C) of all slots' targets in one pass."""
    tokens, prior = model.squash(y), model.prior(t)
    prepared = model.head.prepare(model.trunk(tokens, slots, t))
    known = tokens[:, slots.target]
    slices = enumerate(model.head.slices)
    parts = [model.head.slice(k, prepared, known[..., : s.start], prior) for k, s in slices]
    return torch.cat([part.means for part in parts], -1)


def _group_means(recorder: Recorder, group: int, model: EntropyModel) -> np.ndarray:
    """(n, C, K) of one group, its slices put together."""
    slices = model.head.slices
    parts = recorder.seen[group * len(slices) : (group + 1) * len(slices)]
    widths = [s.stop - s.start for s in slices]
    shaped = [
        p.means.reshape(-1, n, p.means.shape[1]) / 64 for p, n in zip(parts, widths, strict=True)
    ]
    return np.concatenate(shaped, axis=1)


@pytest.mark.parametrize("masking", ["m2t", "mt"])
def test_windows_in_a_batch_do_not_see_each_other(masking: str) -> None:
    model = entropy_model(vary(tiny(), masking=masking))
    y = latents(windows=2)
    torch.testing.assert_close(bits(model, y)[1:], bits(model, y[1:]))


def test_entropy_order_codes_the_surest_tokens_first() -> None:
    config = vary(tiny(), masking="mt")
    config = dataclasses.replace(
        config, schedule=dataclasses.replace(config.schedule, order="entropy")
    )
    model = entropy_model(config)
    y = latents(windows=2)
    predictor = build_predictor(FloatNetwork(model, config), [(HEIGHT, WIDTH)] * 2, AIM)
    groups: list[np.ndarray] = []
    next_group = predictor.next_group

    def recorded() -> Group:
        group = next_group()
        groups.append(np.stack([group.rows[part] for part in group.parts]))
        return group

    predictor.next_group = recorded  # type: ignore[method-assign]
    tokens = y.flatten(0, 1).numpy().astype(np.int32)
    code_windows(predictor, [Recorder(), Recorder()], tokens)  # type: ignore[arg-type]
    first, second = np.concatenate(groups, axis=1) - [[0], [NUM_TOKENS]]
    assert sorted(first) == sorted(second) == list(range(NUM_TOKENS))
    assert first.tolist() != second.tolist(), "the order adapts to the image"


def test_cache_grows_in_place() -> None:
    cache = KeyValueCache(5)
    first = cache.append(torch.ones(2, 1, 2, 2, 4))
    second = cache.append(torch.zeros(2, 1, 2, 3, 4))
    assert first.shape[3] == 2
    assert second.shape[3] == 5
    assert second.data_ptr() == first.data_ptr()


def test_predictor_is_abstract() -> None:
    model = entropy_model(tiny())
    with pytest.raises(NotImplementedError):
        Predictor(FloatNetwork(model, tiny()), [(2, 2)], AIM).next_group()


def test_windows_of_different_shapes_run_together() -> None:
    """Some end before others; each gets the mixtures that it gets alone, but for how floats of
    products with more rows are rounded."""
    config = tiny()
    network = FloatNetwork(entropy_model(config), config)
    shapes = [(1, 1), (5, 6), (2, 3)]
    parts = [
        latents(seed=i)[0, : h * w].numpy().astype(np.int32) for i, (h, w) in enumerate(shapes)
    ]
    together = [Recorder() for _ in shapes]
    code_windows(build_predictor(network, shapes, AIM), together, np.concatenate(parts))  # type: ignore[arg-type]
    for shape, part, recorder in zip(shapes, parts, together, strict=True):
        alone = Recorder()
        code_windows(build_predictor(network, [shape], AIM), [alone], part)  # type: ignore[list-item]
        for expected, got in zip(
            zip(*alone.seen, strict=True), zip(*recorder.seen, strict=True), strict=True
        ):
            a, b = (np.concatenate(part).astype(np.int64) for part in (expected, got))
            assert np.abs(a - b).max() <= 2
