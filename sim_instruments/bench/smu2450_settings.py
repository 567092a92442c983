"""Everything that is set on a Keithley 2450 and read back (Reference Manual, section 6)."""

from __future__ import annotations

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.scpi_values import ScpiValues, real
from sim_instruments.bench.smu_output import OTHER, Quantity, SmuOutput

NAMES: dict[Quantity, str] = {"VOLT": "VOLTage", "CURR": "CURRent"}
_LIMITS: dict[Quantity, str] = {"VOLT": "ILIMit", "CURR": "VLIMit"}
_STEPS: dict[Quantity, tuple[float, ...]] = {
    "VOLT": (0.02, 0.2, 2.0, 20.0, 200.0),
    "CURR": (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0),
}
_MOST: dict[Quantity, float] = {"VOLT": 210.0, "CURR": 1.05}
_LEAST_LIMIT: dict[Quantity, float] = {"VOLT": 0.02, "CURR": 1e-9}
_RESET_LIMITS: dict[Quantity, float] = {"VOLT": 21.0, "CURR": 1.05e-4}
_OVERRANGE = 1.05
_LEAST_OF_RANGE = 1e-3


class Smu2450Values(ScpiValues):
    """Values, ranges and limits.

    Args:
        box: gets the headers.
        output: what they act on.
    """

    def __init__(self, box: ScpiBox, output: SmuOutput) -> None:
        super().__init__(box)
        self._output = output
        self._on = box.on
        self.source_range: dict[Quantity, float] = {}
        self.meter_range: dict[Quantity, float] = {}
        for quantity in NAMES:
            self._add_source(quantity)
            self._add_meter(quantity)
        self._add_rest()

    def reset(self) -> None:
        """`*RST`: the output is off, sources 0 V and measures current."""
        super().reset()
        self.source_range = {"VOLT": 0.02, "CURR": 1e-8}
        self.meter_range = {"VOLT": 0.02, "CURR": 1e-8}
        output = self._output
        output.sources, output.is_on, output.stepped = "VOLT", False, None
        output.levels |= {"VOLT": 0.0, "CURR": 0.0}
        output.limits |= _RESET_LIMITS
        self.words["SENS:FUNC"] = "CURR"
        output.apply()

    @property
    def measures(self) -> Quantity:
        """What is measured."""
        return "VOLT" if self.words["SENS:FUNC"] == "VOLT" else "CURR"

    def reach(self) -> float:
        """Most that the meter measures, as it is set."""
        if self.switches[f"SENS:{self.measures}:AUTO"]:
            return _MOST[self.measures]
        return _OVERRANGE * self.meter_range[self.measures]

    def scale(self, value: float) -> float:
        """The range in which a value is measured."""
        if self.switches[f"SENS:{self.measures}:AUTO"]:
            return _holding(self.measures, value)
        return self.meter_range[self.measures]

    def _add_source(self, quantity: Quantity) -> None:
        source = f"SOURce:{NAMES[quantity]}"
        level = f"{source}[:LEVel][:IMMediate][:AMPLitude]"
        self._on(level, lambda call: self._set_level(call, quantity))
        self._on(f"{level}?", lambda _: real(self._output.levels[quantity]))
        self._on(f"{source}:RANGe", lambda call: self._set_source_range(call, quantity))
        self._on(f"{source}:RANGe?", lambda _: real(self._shown_source_range(quantity)))
        self.switch(f"SOUR:{quantity}:AUTO", f"{source}:RANGe:AUTO", True)
        limit = f"{source}:{_LIMITS[quantity]}[:LEVel]"
        other = OTHER[quantity]
        self._on(limit, lambda call: self._set_limit(call, other))
        self._on(f"{limit}?", lambda _: real(self._output.limits[other]))
        self._on(f"{limit}:TRIPped?", lambda _: self._tripped(quantity))
        auto = f"SOUR:{quantity}:DEL:AUTO"
        self.switch(auto, f"{source}:DELay:AUTO", True)
        self.number(
            f"SOUR:{quantity}:DEL", f"{source}:DELay", 0.0, 0.0, 1e4,
            lambda: self.switches.__setitem__(auto, False),
        )  # fmt: skip
        self.switch(f"SOUR:{quantity}:BACK", f"{source}:READ:BACK", True)
        states = ("NORMal", "HIMPedance", "ZERO", "GUARd")
        self.choice(f"SMOD:{quantity}", f"OUTPut:{NAMES[quantity]}:SMODe", states)

    def _add_meter(self, quantity: Quantity) -> None:
        sense = f"[SENSe:]{NAMES[quantity]}[:DC]"
        self._on(f"{sense}:RANGe[:UPPer]", lambda call: self._set_meter_range(call, quantity))
        self._on(f"{sense}:RANGe[:UPPer]?", lambda _: real(self.meter_range[quantity]))
        self.switch(f"SENS:{quantity}:AUTO", f"{sense}:RANGe:AUTO", True)
        self.number(f"NPLC:{quantity}", f"{sense}:NPLCycles", 1.0, 0.01, 10.0)
        self.switch(f"RSEN:{quantity}", f"{sense}:RSENse", False, self._switch_off)
        self.switch(f"AZER:{quantity}", f"{sense}:AZERo[:STATe]", True)
        self.switch(f"AVER:{quantity}", f"{sense}:AVERage[:STATe]", False)
        self.count(f"AVER:COUN:{quantity}", f"{sense}:AVERage:COUNt", 10, 1, 100)
        self.choice(f"AVER:TCON:{quantity}", f"{sense}:AVERage:TCONtrol", ("REPeat", "MOVing"))

    def _add_rest(self) -> None:
        self._on("SOURce:FUNCtion[:MODE]", self._set_source)
        self._on("SOURce:FUNCtion[:MODE]?", lambda _: self._output.sources)
        self._on("[SENSe:]FUNCtion[:ON]", self._set_function)
        self._on("[SENSe:]FUNCtion[:ON]?", lambda _: f'"{self.measures}:DC"')
        self._on("[SENSe:]AZERo:ONCE", lambda _: None, most=0)
        self.count("COUN", "[SENSe:]COUNt", 1, 1, 300_000)
        self.choice("TERM", "ROUTe:TERMinals", ("FRONt", "REAR"), self._switch_off)
        self.choice("FORM:DATA", "FORMat[:DATA]", ("ASCii", "REAL", "SREal"))
        self.choice("FORM:BORD", "FORMat:BORDer", ("SWAPped", "NORMal"))

    def _set_level(self, call: Call, quantity: Quantity) -> None:
        auto = self.switches[f"SOUR:{quantity}:AUTO"]
        most = _MOST[quantity] if auto else _OVERRANGE * self.source_range[quantity]
        self._output.program(quantity, call.number(0, -most, most, {"DEFault": 0.0}))

    def _set_source_range(self, call: Call, quantity: Quantity) -> None:
        most = _MOST[quantity]
        self.source_range[quantity] = _holding(quantity, call.number(0, -most, most))
        self.switches[f"SOUR:{quantity}:AUTO"] = False

    def _shown_source_range(self, quantity: Quantity) -> float:
        if self.switches[f"SOUR:{quantity}:AUTO"]:
            return _holding(quantity, self._output.levels[quantity])
        return self.source_range[quantity]

    def _set_meter_range(self, call: Call, quantity: Quantity) -> None:
        most = _MOST[quantity]
        self.meter_range[quantity] = _holding(quantity, call.number(0, -most, most))
        self.switches[f"SENS:{quantity}:AUTO"] = False

    def _set_limit(self, call: Call, quantity: Quantity) -> None:
        least = _LEAST_LIMIT[quantity]
        if not self.switches[f"SENS:{quantity}:AUTO"]:
            least = max(least, _LEAST_OF_RANGE * self.meter_range[quantity])
        self._output.limits[quantity] = call.number(0, least, _MOST[quantity])
        self._output.apply()

    def _tripped(self, quantity: Quantity) -> str:
        self._output.apply()
        return "1" if self._output.sources == quantity and self._output.is_in_compliance else "0"

    def _set_source(self, call: Call) -> None:
        chosen: Quantity = "VOLT" if call.choice(0, tuple(NAMES.values())) == "VOLTage" else "CURR"
        if chosen != self._output.sources:
            self._output.sources = chosen
            self._switch_off()

    def _set_function(self, call: Call) -> None:
        name = call.string().upper().removesuffix(":DC")
        if name not in ("VOLT", "VOLTAGE", "CURR", "CURRENT"):
            raise Refused(-224)
        self.words["SENS:FUNC"] = name[:4]

    def _switch_off(self) -> None:
        self._output.is_on = False
        self._output.step(None)


def _holding(quantity: Quantity, value: float) -> float:
    steps = _STEPS[quantity]
    return next((step for step in steps if abs(value) <= _OVERRANGE * step), steps[-1])
