"""A solver's own random numbers, drawn from PyTorch's generators but independent of who else draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class RandomState:
    """What PyTorch's generators hold while a solver runs.

    Layers such as Dropout draw from the global generators. Swapping their state in and out around the
    solver's work keeps a trajectory from depending on the rest of the program, and the reverse.
    """

    def __init__(self, device: torch.device, seed: int) -> None:
        self._devices = [torch.device("cpu"), *([device] if device.type == "cuda" else [])]
        self._installed = False
        self._stored = [torch.Generator(place).manual_seed(seed).get_state() for place in self._devices]

    @contextmanager
    def installed(self) -> Iterator[None]:
        """While inside, the global generators are the solver's. Re-entering changes nothing."""
        if self._installed:
            yield
            return
        outside = self._read()
        self._write(self._stored)
        self._installed = True
        try:
            yield
        finally:
            self._installed = False
            self._stored = self._read()
            self._write(outside)

    def get(self) -> list[Tensor]:
        """The state of each generator, the CPU's first, as a uint8 tensor on the CPU."""
        return self._read() if self._installed else self._stored

    def set(self, states: list[Tensor]) -> None:
        """Goes on from states that `get` gave; a generator for which there is none keeps its own."""
        states = [*states, *self.get()[len(states) :]]
        with self.installed():
            self._write(states)

    def to_bytes(self) -> bytes:
        """The states one after the other, for a file."""
        return b"".join(state.numpy().tobytes() for state in self.get())

    def set_bytes(self, data: bytes) -> None:
        """Goes on from what `to_bytes` gave, on whatever device that was.

        Raises:
            ValueError: the bytes are no generators' states.
        """
        states = []
        for own in self.get():
            piece, data = data[: own.numel()], data[own.numel() :]
            if piece:
                states.append(torch.frombuffer(bytearray(piece), dtype=torch.uint8))
        try:
            self.set(states)
        except RuntimeError as error:
            raise ValueError(str(error).partition("\n")[0]) from error

    def _read(self) -> list[Tensor]:
        return [_get_state(place) for place in self._devices]

    def _write(self, states: list[Tensor]) -> None:
        for place, state in zip(self._devices, states, strict=True):
            if place.type == "cuda":
                torch.cuda.set_rng_state(state, place)
            else:
                torch.set_rng_state(state)


def _get_state(place: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(place) if place.type == "cuda" else torch.get_rng_state()
