"""What is connected: VISA resources and serial ports, and which driver would fit each."""

from mgd_lab.devices.fitting import fitting_drivers
from mgd_lab.devices.serial_ports import SerialPort, list_serial_ports
from mgd_lab.devices.visa_resources import VisaListing, VisaResource, list_visa_resources

__all__ = [
    "SerialPort",
    "VisaListing",
    "VisaResource",
    "fitting_drivers",
    "list_serial_ports",
    "list_visa_resources",
]
