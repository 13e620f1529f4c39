"""Adam for what the linear lapped transforms do together.

Most moves of the analysis alone, or of the synthesis alone, spoil what they paint together; those
that make better latents do not. Here both move at once, each so that it undoes what the other does:
channels are mixed with channels, by a matrix in the analysis and its inverse in the synthesis, and
so are the pixels of the 16x16 blocks that lie between four tokens.
"""

import torch
from torch import Tensor

from ..transforms.lapped import from_eighth, to_eighth
from .frequencies import of_pictures, to_pictures
from .lapped import PairAdam


class TurnAdam(PairAdam):
    """Moves both together."""

    def __init__(
        self,
        analysis: Tensor,
        synthesis: Tensor,
        strength: Tensor,
        block_strength: Tensor,
        lr: float,
    ) -> None:
        """How strong the frequencies are that kernels (3, 32, 32) and blocks (3, 16, 16) meet."""
        super().__init__(analysis, synthesis, strength, lr)
        self.block_strength = block_strength.to(analysis.device).flatten()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update both, if both have gradients."""
        assert closure is None
        if self.analysis.grad is None or self.synthesis.grad is None:
            return
        lr = self.param_groups[0]["lr"]
        all_four = (self.analysis, self.synthesis, self.analysis.grad, self.synthesis.grad)
        a, s, of_a, of_s = (tensor.flatten(1).bfloat16() for tensor in all_four)
        # Either matrix (n, n) has its moments with one of the parameters.
        slopes = (of_a @ a.T - s @ of_s.T).float()
        mix = self.direction(self.analysis, slopes, self.channels()).bfloat16()
        moves = [mix @ a, -(mix.T @ s)]
        a, s, of_a, of_s = (_blocks(tensor).bfloat16() for tensor in all_four)
        slopes = (a.T @ of_a - of_s.T @ s).float()
        warp = self.direction(self.synthesis, slopes, self.block_strength).bfloat16()
        moves[0] = moves[0] + _kernels(a @ warp)
        moves[1] = moves[1] - _kernels(s @ warp.T)
        for param, move in zip((self.analysis, self.synthesis), moves, strict=True):
            param.add_(move.view_as(param), alpha=-lr)


def _blocks(kernels: Tensor) -> Tensor:
    """(N, 192, 4, 4) -> (4 N, 768): frequencies of the blocks between tokens."""
    pictures = from_eighth(kernels)
    blocks = pictures.unflatten(3, (2, 16)).unflatten(2, (2, 16)).permute(0, 2, 4, 1, 3, 5)
    return of_pictures(blocks.reshape(-1, 3, 16, 16)).flatten(1)


def _kernels(blocks: Tensor) -> Tensor:
    """The inverse of _blocks, as (N, 3072)."""
    pictures = to_pictures(blocks.float().view(-1, 3, 16, 16))
    pictures = pictures.view(-1, 2, 2, 3, 16, 16).permute(0, 3, 1, 4, 2, 5)
    return to_eighth(pictures.reshape(-1, 3, 32, 32)).flatten(1)
