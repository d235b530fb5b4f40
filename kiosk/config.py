"""``kiosk.toml`` -> a frozen ``Config``; all errors at once; secrets print as ``********``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kiosk.sale.shop import Shop


class Secret:
    """A text that must not be shown (law L10): ``str`` and ``repr`` of it are stars; ``reveal()`` is the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one header that carries it."""
        return self._text

    def __repr__(self) -> str:
        return "********"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class MercadoPagoConfig:
    """Table ``[mercadopago]``."""

    user_id: int
    external_store_id: str
    external_pos_id: str
    base_url: str = "https://api.mercadopago.com"
    access_token_file: str = ""
    """Empty: the systemd credential ``mercadopago-token``."""
    notification_url: str = ""


@dataclass(frozen=True, slots=True)
class KeypadConfig:
    """Table ``[keypad]``; pins are BCM numbers."""

    driver: str = "matrix"
    pins: str = "gpiod"
    rows: tuple[int, ...] = (5, 6, 13, 19)
    columns: tuple[int, ...] = (12, 16, 20, 21)
    keys: tuple[str, ...] = ("123A", "456B", "789C", "*0#D")
    device: str = ""


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """Table ``[display]``."""

    driver: str = "ssd1306"
    interface: str = "i2c"
    port: int = 1
    address: int = 0x3C
    width: int = 128
    height: int = 64
    rotate: int = 0
    dc: int = 24
    reset: int = 25
    speed: int = 8_000_000
    dim_after: int = 120
    """Seconds without a change of screen; 0: never."""
    blank_after: int = 0


@dataclass(frozen=True, slots=True)
class PrinterConfig:
    """Table ``[printer]``."""

    driver: str = "usb"
    profile: str = "default"
    columns: int = 42
    code_page: str = "CP858"
    host: str = ""
    port: int = 9100
    device: str = ""
    baud: int = 9600
    vendor_id: int | None = None
    product_id: int | None = None
    required: bool = False
    logo: str = ""
    qr: bool = False
    cut: bool = True
    drawer: bool = False
    merchant_copy: bool = False


@dataclass(frozen=True, slots=True)
class SoundConfig:
    """Table ``[sound]``; BCM numbers, None: not there."""

    buzzer: int | None = None
    led_paid: int | None = None
    led_error: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything in force."""

    shop: Shop
    mercadopago: MercadoPagoConfig
    keypad: KeypadConfig = KeypadConfig()
    display: DisplayConfig = DisplayConfig()
    printer: PrinterConfig = PrinterConfig()
    sound: SoundConfig = SoundConfig()
    notifications_listen: str = ""
    journal: Path = Path("/var/lib/kiosk/journal.db")
