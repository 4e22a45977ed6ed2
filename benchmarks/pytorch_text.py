"""Networks for texts in PyTorch, as a user writes them: modules of torch.nn."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from benchmarks.random_texts import UNITS, VOCABULARY


class Network(nn.Module):
    """An LSTM over the vectors of tokens, or their mean, and a linear output."""

    def __init__(self, model: str, dropout: float, *, padded: bool) -> None:
        super().__init__()
        self.padded = padded
        self.embedding = nn.Embedding(VOCABULARY, UNITS)
        self.lstm = nn.LSTM(UNITS, UNITS, batch_first=True) if model == "lstm" else None
        self.dropout, self.output = nn.Dropout(dropout), nn.Linear(UNITS, 1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the logit of each text, [B, T] → [B]."""
        hidden = self._lstm(tokens) if self.lstm else self._mean(tokens)
        return self.output(self.dropout(hidden))[:, 0]

    def _lstm(self, tokens: torch.Tensor) -> torch.Tensor:
        inputs = self.dropout(self.embedding(tokens))
        if self.padded:
            lengths = (tokens != 0).sum(1)
            inputs = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        _, (state, _) = self.lstm(inputs)
        return state[0]

    def _mean(self, tokens: torch.Tensor) -> torch.Tensor:
        vectors = self.embedding(tokens)
        if not self.padded:
            return vectors.mean(1)
        counted = (tokens != 0).float().unsqueeze(-1)
        return (vectors * counted).sum(1) / counted.sum(1).clamp(min=1)
