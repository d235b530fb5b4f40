"""A printer on USB, by pyusb: the bulk endpoints of an interface of class 7 (USB printer class 1.1, section 4)."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import Any, Final

import usb.core
import usb.util

from kiosk.printer.transport import CHUNK, PrinterError, broken_by
from kiosk.sale.events import Paper

_PRINTER_CLASS: Final = 7
# NoBackendError (a ValueError) where libusb is not installed, NotImplementedError where it lacks a function.
_ERRORS = (usb.core.USBError, ValueError, NotImplementedError)
# What a technician can do something about; libusb's own words for it name no cause.
_CAUSES: Final = {
    errno.EBUSY: "another program uses the USB printer (CUPS? a second kiosk?)",
    errno.EACCES: "this user may not use the USB printer: it must be in group lp",
}


class UsbTransport:
    """One claimed printer interface.

    The kernel's own printer driver is asked to let go of the printer and does not get it back: ``/dev/usb/lp0`` is gone
    until the printer is plugged in again. Driver ``file`` is the way for those who need both.
    """

    chunk = CHUNK

    def __init__(self, vendor_id: int | None, product_id: int | None, backend: Any = None) -> None:
        """``vendor_id``, ``product_id``: which printer, None for any; ``backend``: one of pyusb other than libusb."""
        wanted = {"idVendor": vendor_id, "idProduct": product_id}
        self._wanted = {name: number for name, number in wanted.items() if number is not None}
        self._backend = backend
        self._device: Any = None
        self._out: Any = None
        self._in: Any = None
        self._heard = b""

    def open(self) -> None:
        """Find the printer and claim it. The endpoints are the printer's own: they have no usual numbers."""
        with broken_by(*_ERRORS):
            try:
                devices = usb.core.find(find_all=True, backend=self._backend, **self._wanted)
            except usb.core.NoBackendError:
                raise PrinterError(Paper.GONE, "libusb is missing: apt-get install libusb-1.0-0") from None
            for device in devices:
                interface = _printer_interface(device)
                if interface is not None:
                    self._claim_or_say_why(device, interface)
                    return
        raise PrinterError(Paper.GONE, "no USB printer is plugged in, or it is not the configured one")

    def _claim_or_say_why(self, device: Any, interface: Any) -> None:
        """A busy printer is not passed over for the next: tickets would come out of the kitchen's."""
        try:
            self._claim(device, interface)
        except usb.core.USBError as error:
            if error.errno in _CAUSES:
                raise PrinterError(Paper.GONE, _CAUSES[error.errno]) from error
            raise

    def _claim(self, device: Any, interface: Any) -> None:
        self._device = device
        number = interface.bInterfaceNumber
        with suppress(NotImplementedError):  # A system without kernel drivers for printers.
            if device.is_kernel_driver_active(number):
                device.detach_kernel_driver(number)
        usb.util.claim_interface(device, number)
        if interface.bAlternateSetting:
            interface.set_altsetting()
        self._out = _bulk(interface, usb.util.ENDPOINT_OUT)
        self._in = _bulk(interface, usb.util.ENDPOINT_IN)

    def write(self, chunk: bytes, within_s: float) -> int:
        """Bytes that the printer itself acknowledged.

        With a limit that passed halfway pyusb answers a short count and raises nothing: a ticket cut in half unless
        it is looked at. A limit of 0 means "for ever" to libusb, so there is always at least a millisecond.
        """
        with broken_by(*_ERRORS):
            try:
                return int(self._endpoint(self._out).write(chunk, _ms(within_s)))
            except usb.core.USBTimeoutError:
                return 0

    def flushed(self, within_s: float) -> bool:  # noqa: ARG002  (the port of all transports)
        """Always: a bulk transfer is counted when the printer has acknowledged it (USB 2.0, section 8.5.2)."""
        return True

    def read(self, limit: int, within_s: float) -> bytes:
        """What the printer says; nothing from a printer without an endpoint for it.

        A whole packet is asked for: a smaller request is an overflow error when the printer sends more.
        """
        if not self._heard and self._in is not None:
            with broken_by(*_ERRORS):
                try:
                    self._heard = bytes(self._in.read(self._in.wMaxPacketSize, _ms(within_s)))
                except usb.core.USBTimeoutError:
                    return b""
        heard, self._heard = self._heard[:limit], self._heard[limit:]
        return heard

    def close(self) -> None:
        """Release the interface; a printer that was unplugged has nothing left to release."""
        if self._device is not None:
            with suppress(*_ERRORS):
                usb.util.dispose_resources(self._device)
        self._device = self._out = self._in = None

    @staticmethod
    def _endpoint(endpoint: Any) -> Any:
        if endpoint is None:
            raise PrinterError(Paper.GONE, "not connected")
        return endpoint


def _printer_interface(device: Any) -> Any:
    """The interface to print through: one that also answers, if there is one; None where it is no printer."""
    try:
        interfaces = [interface for configuration in device for interface in configuration]
    except usb.core.USBError:  # Some other device that will not even be described must not hide the printer.
        return None
    usable = [i for i in interfaces if i.bInterfaceClass == _PRINTER_CLASS and _bulk(i, usb.util.ENDPOINT_OUT)]
    answering = [i for i in usable if _bulk(i, usb.util.ENDPOINT_IN)]
    return next(iter(answering or usable), None)


def _bulk(interface: Any, direction: int) -> Any:
    """The interface's bulk endpoint of that direction, or None."""

    def wanted(endpoint: Any) -> bool:
        way = usb.util.endpoint_direction(endpoint.bEndpointAddress)
        kind = usb.util.endpoint_type(endpoint.bmAttributes)
        return bool(way == direction and kind == usb.util.ENDPOINT_TYPE_BULK)

    return usb.util.find_descriptor(interface, custom_match=wanted)


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
