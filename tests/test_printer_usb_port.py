"""The USB transport on the real pyusb, over a bus in memory: pyusb's own way to bring a backend along."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import usb.backend
import usb.core

from kiosk.printer.transport import PrinterError
from kiosk.printer.usb_port import UsbTransport
from kiosk.sale.events import Paper

BULK, INTERRUPT = 2, 3
GONE = usb.core.USBError("No such device", error_code=-4, errno=19)
FORBIDDEN = usb.core.USBError("Access denied (insufficient permissions)", error_code=-3, errno=13)
BUSY = usb.core.USBError("Resource busy", error_code=-6, errno=16)
SLOW = usb.core.USBTimeoutError("Operation timed out", error_code=-7, errno=110)


@dataclass
class Interface:
    """One alternate setting of an interface; endpoints are (address, kind)."""

    kind: int
    endpoints: list[tuple[int, int]]
    number: int = 0
    alternate: int = 0


@dataclass
class Plugged:
    """A device on the bus."""

    interfaces: list[Interface]
    vendor: int = 0x04B8
    product: int = 0x0E15
    kernel_driver: bool = False
    kernel_drivers_known: bool = True
    describes_itself: bool = True
    busy: bool = False
    forbidden: bool = False
    gone: bool = False
    takes: int = 4096
    """Most bytes of one transfer; 0: none in time."""
    answers: list[bytes] = field(default_factory=list)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)


def printer(**changes: Any) -> Plugged:
    """A usual one: bulk endpoints with unusual numbers, and one that is not for printing."""
    return Plugged([Interface(7, [(0x81, BULK), (0x03, BULK), (0x84, INTERRUPT)])], **changes)


class Bus(usb.backend.IBackend):  # type: ignore[misc]  # pyusb has no types
    """What pyusb asks of libusb, answered by devices in memory."""

    def __init__(self, *devices: Plugged) -> None:
        self.devices = devices

    def enumerate_devices(self) -> Iterator[Plugged]:
        return iter(self.devices)

    def get_device_descriptor(self, dev: Plugged) -> Any:
        return SimpleNamespace(
            **dict.fromkeys(
                ["bLength", "bDescriptorType", "bcdUSB", "bDeviceClass", "bDeviceSubClass", "bDeviceProtocol"], 0
            ),
            **dict.fromkeys(["bcdDevice", "iManufacturer", "iProduct", "iSerialNumber", "address", "bus"], 0),
            **dict.fromkeys(["port_number", "port_numbers", "speed"], 0),
            bMaxPacketSize0=64,
            idVendor=dev.vendor,
            idProduct=dev.product,
            bNumConfigurations=1,
        )

    def get_configuration_descriptor(self, dev: Plugged, config: int) -> Any:
        if not dev.describes_itself:
            raise BUSY
        if config:
            raise IndexError
        numbers = {interface.number for interface in dev.interfaces}
        return SimpleNamespace(
            **dict.fromkeys(["bLength", "bDescriptorType", "wTotalLength", "iConfiguration", "bmAttributes"], 0),
            bMaxPower=0,
            bNumInterfaces=len(numbers),
            bConfigurationValue=1,
            extra_descriptors=[],
        )

    def get_interface_descriptor(self, dev: Plugged, intf: int, alt: int, config: int) -> Any:
        found = [i for i in dev.interfaces if i.number == intf]
        if not 0 <= alt < len(found):
            raise IndexError
        return SimpleNamespace(
            **dict.fromkeys(
                ["bLength", "bDescriptorType", "bInterfaceSubClass", "bInterfaceProtocol", "iInterface"], 0
            ),
            bInterfaceNumber=intf,
            bAlternateSetting=alt,
            bNumEndpoints=len(found[alt].endpoints),
            bInterfaceClass=found[alt].kind,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(self, dev: Plugged, ep: int, intf: int, alt: int, config: int) -> Any:
        address, kind = [i for i in dev.interfaces if i.number == intf][alt].endpoints[ep]
        return SimpleNamespace(
            **dict.fromkeys(["bLength", "bDescriptorType", "bInterval", "bRefresh", "bSynchAddress"], 0),
            bEndpointAddress=address,
            bmAttributes=kind,
            wMaxPacketSize=64,
            extra_descriptors=[],
        )

    def open_device(self, dev: Plugged) -> Plugged:
        if dev.gone:
            raise GONE
        if dev.forbidden:
            raise FORBIDDEN
        return dev

    def close_device(self, dev_handle: Plugged) -> None:
        dev_handle.calls.append(("close",))

    def get_configuration(self, dev_handle: Plugged) -> int:
        return 1

    def set_configuration(self, dev_handle: Plugged, config_value: int) -> None:
        dev_handle.calls.append(("configure", config_value))

    def set_interface_altsetting(self, dev_handle: Plugged, intf: int, altsetting: int) -> None:
        dev_handle.calls.append(("alternate", intf, altsetting))

    def claim_interface(self, dev_handle: Plugged, intf: int) -> None:
        if dev_handle.busy or dev_handle.kernel_driver:
            raise BUSY
        dev_handle.calls.append(("claim", intf))

    def release_interface(self, dev_handle: Plugged, intf: int) -> None:
        dev_handle.calls.append(("release", intf))

    def is_kernel_driver_active(self, dev_handle: Plugged, intf: int) -> bool:
        if not dev_handle.kernel_drivers_known:
            raise NotImplementedError
        return dev_handle.kernel_driver

    def detach_kernel_driver(self, dev_handle: Plugged, intf: int) -> None:
        dev_handle.calls.append(("detach", intf))
        dev_handle.kernel_driver = False

    def bulk_write(self, dev_handle: Plugged, ep: int, intf: int, data: array[int], timeout: int) -> int:
        if dev_handle.gone:
            raise GONE
        taken = data.tobytes()[: dev_handle.takes]
        dev_handle.calls.append(("write", ep, timeout))
        dev_handle.received += taken
        if not taken:
            raise SLOW
        return len(taken)

    def bulk_read(self, dev_handle: Plugged, ep: int, intf: int, buff: array[int], timeout: int) -> int:
        if dev_handle.gone:
            raise GONE
        assert len(buff) == 64, "less than a packet is an overflow error"
        dev_handle.calls.append(("read", ep, timeout))
        if not dev_handle.answers:
            raise SLOW
        answer = dev_handle.answers.pop(0)
        buff[: len(answer)] = array("B", answer)
        return len(answer)


def opened(*devices: Plugged, vendor: int | None = None, product: int | None = None) -> UsbTransport:
    transport = UsbTransport(vendor, product, Bus(*devices))
    transport.open()
    return transport


def test_it_writes_and_reads_on_the_printers_own_endpoints_with_limits_in_milliseconds() -> None:
    device = printer(answers=[b"\x12"])
    transport = opened(device)
    assert transport.write(b"ticket", 5) == 6
    assert transport.read(64, 0.25) == b"\x12"
    assert transport.read(64, 0) == b""
    transport.close()
    assert device.received == b"ticket"
    assert device.calls == [
        ("claim", 0),
        ("write", 0x03, 5000),
        ("read", 0x81, 250),
        ("read", 0x81, 1),  # 0 would be for ever
        ("release", 0),
        ("close",),
    ]


def test_a_short_count_is_told_and_no_count_is_none_taken() -> None:
    device = printer(takes=100)
    transport = opened(device)
    assert transport.write(bytes(4096), 5) == 100
    device.takes = 0
    assert transport.write(bytes(4096), 5) == 0
    assert transport.flushed(0)
    transport.close()


def test_an_answer_longer_than_asked_for_is_kept() -> None:
    transport = opened(printer(answers=[b"\x12\x16\x7e"]))
    assert [transport.read(2, 1), transport.read(2, 1), transport.read(2, 1)] == [b"\x12\x16", b"\x7e", b""]
    transport.close()


def test_the_first_printer_is_found_among_other_devices() -> None:
    mouse = Plugged([Interface(3, [(0x81, INTERRUPT)])], vendor=1)
    disk = Plugged([Interface(8, [(0x81, BULK), (0x02, BULK)])], vendor=2)
    shy = Plugged([Interface(7, [(0x02, BULK)])], vendor=3, describes_itself=False)
    device = printer()
    transport = opened(mouse, disk, shy, device)
    transport.write(b"x", 1)
    transport.close()
    assert device.received == b"x"


@pytest.mark.parametrize(("vendor", "product", "found"), [(0x20D1, None, 1), (0x20D1, 0x7008, 1), (None, 0x7007, 0)])
def test_the_configured_printer_is_taken(vendor: int | None, product: int | None, found: int) -> None:
    devices = printer(vendor=0x0416, product=0x7007), printer(vendor=0x20D1, product=0x7008)
    transport = opened(*devices, vendor=vendor, product=product)
    transport.write(b"x", 1)
    transport.close()
    assert [bytes(device.received) for device in devices] == [b"x" if at == found else b"" for at in (0, 1)]


@pytest.mark.parametrize("devices", [(), (Plugged([Interface(3, [(0x81, INTERRUPT)])]),)])
def test_without_a_printer_it_is_gone(devices: tuple[Plugged, ...]) -> None:
    with pytest.raises(PrinterError, match="plugged in") as caught:
        opened(*devices)
    assert caught.value.paper is Paper.GONE


def test_a_machine_without_libusb_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to plug the printer in, which may well be."""
    for library in ("libusb1", "openusb", "libusb0"):
        monkeypatch.setattr(f"usb.backend.{library}.get_backend", lambda *_args, **_options: None)
    with pytest.raises(PrinterError, match=r"apt-get install libusb-1\.0-0") as caught:
        UsbTransport(None, None).open()
    assert caught.value.paper is Paper.GONE


def test_another_printer_than_the_configured_one_is_not_taken() -> None:
    device = printer()
    with pytest.raises(PrinterError):
        opened(device, vendor=0x04B8, product=0x0202)
    assert not device.calls


def test_the_kernels_driver_is_detached_first() -> None:
    device = printer(kernel_driver=True)
    opened(device).close()
    assert device.calls[:2] == [("detach", 0), ("claim", 0)]


def test_a_system_without_kernel_drivers_will_do() -> None:
    device = printer(kernel_drivers_known=False)
    opened(device).close()
    assert device.calls[0] == ("claim", 0)


def test_the_setting_that_answers_is_preferred_and_selected() -> None:
    device = Plugged([Interface(7, [(0x02, BULK)]), Interface(7, [(0x02, BULK), (0x82, BULK)], alternate=1)])
    device.answers = [b"\x12"]
    transport = opened(device)
    assert ("alternate", 0, 1) in device.calls
    assert transport.read(64, 1) == b"\x12"
    transport.close()


def test_a_printer_that_only_listens_is_silent() -> None:
    device = Plugged([Interface(3, [(0x81, INTERRUPT)]), Interface(7, [(0x02, BULK)], number=1)])
    transport = opened(device)
    assert transport.write(b"x", 1) == 1
    assert transport.read(64, 1) == b""
    transport.close()
    assert device.calls[0] == ("claim", 1)


def test_a_printer_in_use_is_told_in_words_and_not_passed_over_for_another() -> None:
    busy, other = printer(busy=True), printer()
    with pytest.raises(PrinterError, match="another program uses") as caught:
        opened(busy, other)
    assert caught.value.paper is Paper.GONE
    assert not other.calls
    busy.busy = False
    opened(busy, other).close()


def test_a_printer_that_this_user_may_not_use_is_told_in_words() -> None:
    device = printer(forbidden=True)
    with pytest.raises(PrinterError, match="group lp"):
        opened(device)
    device.forbidden = False
    opened(device).close()


def test_an_unplugged_printer_is_an_error_in_every_call_but_close() -> None:
    device = printer()
    transport = opened(device)
    device.gone = True
    with pytest.raises(PrinterError) as caught:
        transport.write(b"x", 1)
    assert caught.value.paper is Paper.GONE
    with pytest.raises(PrinterError):
        transport.read(64, 1)
    transport.close()
    with pytest.raises(PrinterError):
        opened(device)
