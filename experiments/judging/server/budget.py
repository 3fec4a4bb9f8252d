"""A spending cap that holds for any number of concurrent requests.

Method: before a call, its highest possible price is reserved (a text has at most as many tokens as
bytes); afterwards it is replaced by the price of the tokens that the reply reports. A call that may have
been charged without an answer (a timeout) is booked at its highest price. Prices are USD per million tokens.
"""

from dataclasses import dataclass

from interp.errors import TriggerLensError

OVERHEAD = 64  # tokens that a chat template may add to the text

PER = 1_000_000


class Unanswered(Exception):
    """One request has no answer, for this reason; the others go on."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class CapReached(Unanswered):
    """The next call might cost more than is left."""


@dataclass
class Budget:
    """What one command may spend, and what it has spent."""

    cap: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    spent: float = 0.0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    _reserved: float = 0.0
    _open: int = 0  # calls under way; the sum above may not return to exactly 0

    def __post_init__(self) -> None:
        if self.cap is not None and (self.price_in is None or self.price_out is None):
            raise TriggerLensError(
                "a spending cap needs the prices: give both, USD per million tokens"
            )
        for name in ("cap", "price_in", "price_out"):
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise TriggerLensError(f"{name} is {value}: give a number from 0")

    def reserve(self, prompt: str, max_tokens: int) -> float | None:
        """Reserve the highest price of a call.

        None while calls under way have reserved what it needs; CapReached if it can no longer fit.
        """
        highest = self._price(len(prompt.encode()) + OVERHEAD, max_tokens)
        if self.cap is not None and self.spent + self._reserved + highest > self.cap:
            if self._open == 0:
                raise CapReached(f"spending cap of {self.cap:g} USD reached")
            return None
        self._reserved += highest
        self._open += 1
        return highest

    def settle(
        self, reserved: float, tokens_in: int | None = None, tokens_out: int | None = None
    ) -> None:
        """Book a call that was answered; without token counts, at its highest price."""
        known = tokens_in is not None and tokens_out is not None
        tokens_in, tokens_out = tokens_in or 0, tokens_out or 0
        self.release(reserved)
        self.spent += self._price(tokens_in, tokens_out) if known else reserved
        self.calls += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out

    def release(self, reserved: float) -> None:
        """Release what was reserved for a call that was not charged."""
        self._open -= 1
        self._reserved = max(0.0, self._reserved - reserved) if self._open else 0.0

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * (self.price_in or 0) + tokens_out * (self.price_out or 0)) / PER

    def __str__(self) -> str:
        words = f"{self.calls} calls, {self.tokens_in:,} tokens in, {self.tokens_out:,} out"
        return words if self.price_in is None else f"{words}, {self.spent:.4f} USD"
