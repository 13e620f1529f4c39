"""Train an entropy model on tokens: the transform is frozen, so the loss is the rate alone."""

import dataclasses
import hashlib
from pathlib import Path

import torch
from tqdm import tqdm

from m2t.config import Aim, ModelConfig
from m2t.learn.devices.precision import autocast
from m2t.learn.files import save_model, tensors_of
from m2t.learn.networks.transformer import EntropyModel
from m2t.learn.training.config import TrainConfig
from m2t.learn.training.ema import Ema
from m2t.learn.training.optim import build_optimizers, set_learning_rates
from m2t.weights import read_weights

from .tokens import Tokens


def fit(
    config: ModelConfig, options: TrainConfig, tokens: Tokens, aim: Aim, folder: Path
) -> EntropyModel:
    """The model of `config`, trained on windows of `tokens`; from `folder` if it is there already.

    Args:
        tokens: for `aim`, of as many channels as the config has.
    """
    facts = f"{config.to_json()} {dataclasses.asdict(options)} {aim} {_digest(tokens)}"
    key = hashlib.sha256(facts.encode()).hexdigest()[:16]
    path = folder / f"{key}.safetensors"
    device = _device(options)
    torch.manual_seed(options.seed)
    model = EntropyModel(config)
    if path.exists():
        model.load_state_dict(tensors_of(read_weights(path)))
        return model.to(device).eval()
    _train(model.to(device), options, tokens, config.rate.t(aim))
    folder.mkdir(parents=True, exist_ok=True)
    save_model(path, config, model.state_dict())
    return model.eval()


def _digest(tokens: Tokens) -> str:
    """Tells sets of tokens apart by some of them."""
    shapes = [image.shape for image in tokens.images]
    some = [image[0].tobytes() for image in tokens.images[:8]]
    return hashlib.sha256(repr(shapes).encode() + b"".join(some)).hexdigest()


def _device(options: TrainConfig) -> torch.device:
    if options.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(options.device)


def _train(
    model: EntropyModel, options: TrainConfig, tokens: Tokens, asked: tuple[float, float]
) -> None:
    """Run all steps, and leave the averaged weights in the model."""
    device, window = model.mask_token.device, model.config.window
    count = max(1, round(options.batch_tokens / window**2))
    t = torch.tensor([asked], device=device).expand(count, -1)
    _start(model, tokens)
    optimizers, ema = build_optimizers(model, options), Ema(model, options.ema)
    model.train()
    bar = tqdm(range(options.total_steps), desc="fit", disable=None)
    for step in bar:
        torch.manual_seed(step)
        windows = torch.from_numpy(tokens.batch(step, count, window, options.seed)).to(device)
        with autocast(options.dtype, device):
            # Integers have a mass of their own, so that no noise is needed.
            bits = model(windows.float(), windows.float(), t)
        loss = bits.float().sum((1, 2, 3)).mean() / (window * 16) ** 2
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip)
        set_learning_rates(optimizers, options, step)
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        ema.update(model, step)
        if step % 20 == 0:
            bar.set_postfix(bpp=f"{loss.item():.4f}")
    model.load_state_dict(ema.state_dict(model))


@torch.no_grad()
def _start(model: EntropyModel, tokens: Tokens) -> None:
    """Let the head's scales start from those of the channels."""
    some = torch.from_numpy(tokens.batch(0, 256, model.config.window)).float()
    model.prior_scale.copy_(some.flatten(0, 2).std(0).clamp_min(0.01).log())
