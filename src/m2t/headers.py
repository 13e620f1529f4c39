"""What a file's header says of the model that made it, and whether a model fits a file's."""

from typing import Any

from .config import TUNES, Aim, ModelConfig
from .container import Bitstream, Header, Order
from .errors import Corrupt, UnknownModel
from .image import Picture
from .options import check


def header_of(
    config: ModelConfig, identity: bytes, picture: Picture, aim: Aim, version: int
) -> Header:
    """The header of a picture's file."""
    return Header(
        version=version,
        model_id=identity,
        width=picture.rgb.shape[1],
        height=picture.rgb.shape[0],
        quality=aim.quality,
        flags=int(picture.grey) | TUNES.index(aim.tune) << 1,
        **_schedule(config),
    )


def check_model(stream: Bitstream, config: ModelConfig, identity: bytes, num_windows: int) -> None:
    """Raise UnknownModel if other weights made a file, Corrupt if it contradicts its model.

    ConfigError, if it has no tokens. `num_windows` are those that the model cuts its picture into.
    """
    header = stream.header
    check(not header.lossless, "is lossless: it has no tokens")
    if header.model_id != identity:
        raise UnknownModel(
            f"needs model {header.model_id.hex()}, these weights are {identity.hex()}"
        )
    if header.aim.tune not in config.rate.tunes:
        raise Corrupt(f"its tune is {header.aim.tune}, which its model does not have")
    if any(getattr(header, name) != value for name, value in _schedule(config).items()):
        raise Corrupt("its tokens are in an order that its model does not have")
    if len(stream.windows) != num_windows and not (stream.damage and stream.strips):
        size = f"{header.width}x{header.height}"
        raise Corrupt(f"{len(stream.windows)} windows do not make {size} pixels")


def _schedule(config: ModelConfig) -> dict[str, Any]:
    """What a header says of the order of tokens."""
    schedule = config.schedule
    return {
        "order": Order[schedule.order.upper()],
        "seed": schedule.seed,
        "steps": schedule.steps,
        "alpha": round(schedule.alpha * 10),
    }
