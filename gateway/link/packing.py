"""Rows packed for the card and for the wire: zlib with a dictionary of what rows are made of.

A second's row is small, so most of what compression finds is in the dictionary. It is a part of the
format: packed rows wait on cards and travel between versions, so it never changes; a better one
would be another format.
"""

import zlib

from gateway.model import Rejected

ZLIB_1 = 1
"""Format 1: zlib, with DICTIONARY."""

DICTIONARY = (
    b'"masked":{},"meter_class":,"autonomous":false,"breaker_tripped":"leakage":"door_open'
    b'":"motion":false,"tilt_deg":0.0,"illuminance_lx":"temperature_c":2,"supply_loss_coun'
    b't":0,"switch_on_counter":1,"operating_hours_h":1,"lamp_current_a":"lamp_voltage_v":"'
    b'active_energy_kwh":,"apparent_power_va":"active_power_w":"power_factor":0."frequency'
    b'_hz":50.0,"supply_voltage_v":10,"actual_level":,"feedback_level":100.0,"target_level'
    b'":100.0,"reason":"program","authority":"program""expected_w":"evidence":{"kind":"com'
    b'municationFailure","start":1,"end":null}]"condition":"hears_nothing","loses_adverts"'
    b',"over":true,"down""reason":"outbox_full","from_seq":,"to_seq":"since":"until":"rest'
    b'art""payload":"address":"near":"rssi_dbm":-,"sealed":"","values":{"battery_v":3.0,"b'
    b'attery_percent":100.0,"temperature_c":"moving":1.0"id":"kind":"sos","state":"raised"'
    b',"resolved","acknowledged","raised_at":1,"gateway":"","receiver":"","suspect":"""pre'
    b'sence":"uncertain","out_of_coverage","silent","zones":[],"path":"","path_probability'
    b'":0.0},{"at":1800000000.0,"tag":"tag-000","lon":140.,"lat":36.,"radius68_m":1,"radiu'
    b's95_m":2,"n_heard":4,"presence":"tracked","zones":[["zone-",1.0]],"path":"path-0,"pa'
    b'th_probability":0.9,-90.5,-90,2],["p0"readings":[]}]"thinned":[],"restamped":true,"s'
    b'ynced":false,"synced":true}][{"second":1800000000,"alive":["r001","r002","p-003",",-'
    b'67.0,-67,1],[",-68.0,-68,1],[",-69.0,-69,1],[",-70.0,-70,1],[",-71.0,-71,1],[",-72.0'
    b',-72,1],[",-73.0,-73,1],[",-74.0,-74,1],[",-75.0,-75,1],[",-76.0,-76,1],[",-77.0,-77'
    b',1],[",-78.0,-78,1],[",-79.0,-79,1],[",-80.0,-80,1],[",-81.0,-81,1],[",-82.0,-82,1],'
    b'[",-83.0,-83,1],[",-84.0,-84,1],[",-85.0,-85,1],[",-86.0,-86,1],[",-87.0,-87,1],[",-'
    b'88.0,-88,1],[",-89.0,-89,1],[",-90.0,-90,1],[",-91.0,-91,1],[",-92.0,-92,1],[",-93.0'
    b',-93,1],[",-94.0,-94,1],[",-95.0,-95,1],[",-96.0,-96,1],[",-97.0,-97,1],[",-98.0,-98'
    b',1],[",-99.0,-99,1],[",-100.0,-100,1],[",-101.0,-101,1],[",-102.0,-102,1],[",-103.0,'
    b'-103,1],[""eid:"bthome:"alt:"uid:","ibeacon:"],"readings":[["'
)
_LEVEL = 6  # a row a second: speed matters less than the card's years
_WINDOW_BITS, _MEMORY = 12, 5  # rows are small: a large state would take longer to make than them


_PRIMED = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, zlib.Z_DEFAULT_STRATEGY, DICTIONARY
)


def pack(items: bytes) -> bytes:
    """`items` as format 1."""
    packer = _PRIMED.copy()
    return packer.compress(items) + packer.flush()


def unpack(packed: bytes, *, longest: int) -> bytes | Rejected:
    """What was packed, also by plain zlib. Reasons: unpackable, too_long (over `longest` bytes)."""
    unpacker = zlib.decompressobj(zdict=DICTIONARY)
    try:
        items = unpacker.decompress(packed, longest)
    except zlib.error:
        return Rejected("unpackable")
    if unpacker.unconsumed_tail:
        return Rejected("too_long")
    return items if unpacker.eof else Rejected("unpackable")
