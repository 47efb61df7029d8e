"""`MelSpectrogram` with torchaudio's defaults: a Hann window, centred and reflected frames, HTK's mel scale, power."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MelSpectrogram(nn.Module):
    """Waveform (..., samples) -> mel power spectrogram (..., n_mels, frames)."""

    def __init__(self, sample_rate: int, n_fft: int, win_length: int, hop_length: int, n_mels: int) -> None:
        super().__init__()
        self.n_fft, self.win_length, self.hop_length = n_fft, win_length, hop_length
        self.register_buffer("window", torch.hann_window(win_length))
        self.register_buffer("filters", _triangles(n_fft // 2 + 1, n_mels, sample_rate))

    def forward(self, wave: Tensor) -> Tensor:
        flat = wave.reshape(-1, wave.shape[-1])
        spectrum = torch.stft(flat, self.n_fft, self.hop_length, self.win_length, self.window, return_complex=True)
        mel = self.filters.T @ spectrum.abs().square()
        return mel.reshape(*wave.shape[:-1], *mel.shape[-2:])


def _triangles(bins: int, n_mels: int, sample_rate: int) -> Tensor:
    """(bins, n_mels): triangular filters, evenly spaced in mel."""
    frequencies = torch.linspace(0, sample_rate / 2, bins)
    top = 2595 * torch.log10(torch.tensor(1 + sample_rate / 2 / 700))
    edges = 700 * (10 ** (torch.linspace(0, float(top), n_mels + 2) / 2595) - 1)
    rising = (frequencies[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - frequencies[:, None]) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp_min(0)
