"""Everything that is set on a Keithley 2400 and read back (User's Manual, section 18)."""

from __future__ import annotations

from sim_instruments.bench.error_queue import Refused
from sim_instruments.bench.scpi_box import ScpiBox
from sim_instruments.bench.scpi_call import Call
from sim_instruments.bench.scpi_values import ScpiValues, real
from sim_instruments.bench.smu_output import OTHER, Quantity, SmuOutput

NAMES: dict[Quantity, str] = {"VOLT": "VOLTage", "CURR": "CURRent"}
_VOLTS = (0.2, 2.0, 20.0, 200.0)
_AMPERES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)
_OVERRANGE = 1.05
_SMALLEST = 1e-3
"""Least compliance, as part of a fixed range of the meter."""
_RESET_LIMITS: dict[Quantity, float] = {"VOLT": 21.0, "CURR": 1.05e-4}


class Smu2400Values(ScpiValues):
    """Values, ranges and limits.

    Args:
        box: gets the headers.
        output: what they act on.
        most_volts, most_amperes: of the model.
    """

    def __init__(
        self, box: ScpiBox, output: SmuOutput, most_volts: float, most_amperes: float
    ) -> None:
        super().__init__(box)
        self.most_volts = most_volts
        self._output = output
        self._on = box.on
        self._most: dict[Quantity, float] = {"VOLT": most_volts, "CURR": most_amperes}
        volts = tuple(step for step in _VOLTS if step <= most_volts)
        self._steps: dict[Quantity, tuple[float, ...]] = {"VOLT": volts, "CURR": _AMPERES}
        self.source_range: dict[Quantity, float] = {}
        self.meter_range: dict[Quantity, float] = {}
        for quantity in NAMES:
            self._add_source(quantity)
            self._add_meter(quantity)
        self._add_rest()
        self._add_triggers()

    def reset(self) -> None:
        """`*RST`: the output is off, sources 0 V and measures current."""
        super().reset()
        self.source_range = {"VOLT": self._steps["VOLT"][2], "CURR": 1e-4}
        self.meter_range = {"VOLT": self._steps["VOLT"][2], "CURR": 1e-4}
        output = self._output
        output.sources, output.is_on = "VOLT", False
        output.levels |= {"VOLT": 0.0, "CURR": 0.0}
        output.stepped = None
        output.limits |= _RESET_LIMITS
        self.words["SENS:FUNC"] = "CURR"
        self.switches["AZER"] = True
        output.apply()

    @property
    def measures(self) -> str:
        """What is measured: "VOLT" or "CURR"."""
        return self.words["SENS:FUNC"]

    def reach(self, quantity: Quantity) -> float:
        """Most that the meter measures of a quantity, as it is set."""
        if self.switches[f"SENS:{quantity}:AUTO"]:
            return self._most[quantity]
        return _OVERRANGE * self.meter_range[quantity]

    def holding(self, quantity: Quantity, value: float) -> float:
        """The range that holds a value."""
        steps = self._steps[quantity]
        return next((step for step in steps if abs(value) <= _OVERRANGE * step), steps[-1])

    def _add_source(self, quantity: Quantity) -> None:
        source = f"[SOURce:]{NAMES[quantity]}"
        level = f"{source}[:LEVel][:IMMediate][:AMPLitude]"
        self._on(level, lambda call: self._set_level(call, quantity))
        self._on(f"{level}?", lambda _: real(self._output.levels[quantity]))
        self._on(f"{source}:RANGe", lambda call: self._set_source_range(call, quantity))
        self._on(f"{source}:RANGe?", lambda _: real(self._shown_source_range(quantity)))
        self.switch(f"SOUR:{quantity}:AUTO", f"{source}:RANGe:AUTO", True)
        modes = ("FIXed", "LIST")
        self.choice(f"SOUR:{quantity}:MODE", f"{source}:MODE", modes, self._leave_list)

    def _add_meter(self, quantity: Quantity) -> None:
        sense = f"SENSe:{NAMES[quantity]}[:DC]"
        self._on(f"{sense}:RANGe[:UPPer]", lambda call: self._set_meter_range(call, quantity))
        self._on(f"{sense}:RANGe[:UPPer]?", lambda _: real(_OVERRANGE * self.meter_range[quantity]))
        self.switch(f"SENS:{quantity}:AUTO", f"{sense}:RANGe:AUTO", True)
        self._on(f"{sense}:PROTection[:LEVel]", lambda call: self._set_limit(call, quantity))
        self._on(f"{sense}:PROTection[:LEVel]?", lambda _: real(self._output.limits[quantity]))
        # One integration time for all functions.
        self.number("NPLC", f"{sense}:NPLCycles", 1.0, 0.01, 10.0)

    def _add_rest(self) -> None:
        self._on("SOURce:FUNCtion[:MODE]", self._set_source)
        self._on("SOURce:FUNCtion[:MODE]?", lambda _: self._output.sources)
        self._on("SENSe:FUNCtion[:ON]", self._set_function, most=3)
        self._on("SENSe:FUNCtion[:ON]?", lambda _: f'"{self.measures}:DC"')
        self.switch("CONC", "SENSe:FUNCtion:CONCurrent", True)
        self.switch("AVER", "SENSe:AVERage[:STATe]", False)
        self.count("AVER:COUN", "SENSe:AVERage:COUNt", 10, 1, 100)
        self.choice("AVER:TCON", "SENSe:AVERage:TCONtrol", ("REPeat", "MOVing"))
        self._on("SYSTem:AZERo[:STATe]", self._set_autozero)
        self._on("SYSTem:AZERo[:STATe]?", lambda _: "1" if self.switches["AZER"] else "0")
        self.switches["AZER"] = True
        self.switch("RSEN", "SYSTem:RSENse", False, self._switch_off)
        self.choice("TERM", "ROUTe:TERMinals", ("FRONt", "REAR"), self._switch_off)
        states = ("NORMal", "HIMPedance", "ZERO", "GUARd")
        self.choice("SMOD", "OUTPut:SMODe", states)
        self.switch("CLE:AUTO", "SOURce:CLEar:AUTO", False)
        self.number("SOUR:DEL", "SOURce:DELay", 0.0, 0.0, 9999.999, self._delay_by_hand)
        self.switch("DEL:AUTO", "SOURce:DELay:AUTO", True)
        self.choice("FORM:DATA", "FORMat[:DATA]", ("ASCii", "SREal"))
        self.choice("FORM:BORD", "FORMat:BORDer", ("SWAPped", "NORMal"))

    def _add_triggers(self) -> None:
        self.choice("ARM:SOUR", "ARM[:SEQuence][:LAYer]:SOURce", ("IMMediate",))
        self.count("ARM:COUN", "ARM[:SEQuence][:LAYer]:COUNt", 1, 1, 2500)
        self.choice("TRIG:SOUR", "TRIGger:SOURce", ("IMMediate", "TLINk"))
        self.count("TRIG:COUN", "TRIGger:COUNt", 1, 1, 2500)
        self.number("TRIG:DEL", "TRIGger:DELay", 0.0, 0.0, 999.9999)
        self.choice("TRIG:INP", "TRIGger[:TCONfigure]:INPut", ("SOURce",))
        outputs = ("NONE", "SOURce", "DELay", "SENSe")
        self.choice("TRIG:OUTP", "TRIGger[:TCONfigure]:OUTPut", outputs)
        self.count("TRIG:ILIN", "TRIGger[:TCONfigure]:ILINe", 1, 1, 4)
        self.count("TRIG:OLIN", "TRIGger[:TCONfigure]:OLINe", 2, 1, 4)

    def _set_level(self, call: Call, quantity: Quantity) -> None:
        auto = self.switches[f"SOUR:{quantity}:AUTO"]
        most = self._most[quantity] if auto else _OVERRANGE * self.source_range[quantity]
        self._output.program(quantity, call.number(0, -most, most, {"DEFault": 0.0}))

    def _set_source_range(self, call: Call, quantity: Quantity) -> None:
        most = self._most[quantity]
        self.source_range[quantity] = self.holding(quantity, call.number(0, -most, most))
        self.switches[f"SOUR:{quantity}:AUTO"] = False

    def _shown_source_range(self, quantity: Quantity) -> float:
        if self.switches[f"SOUR:{quantity}:AUTO"]:
            return self.holding(quantity, self._output.levels[quantity])
        return self.source_range[quantity]

    def _set_meter_range(self, call: Call, quantity: Quantity) -> None:
        most = self._most[quantity]
        wanted = self.holding(quantity, call.number(0, -most, most))
        is_limited = self._output.sources == OTHER[quantity]
        if is_limited and wanted > self.holding(quantity, self._output.limits[quantity]):
            raise Refused(824)
        self.meter_range[quantity] = wanted
        self.switches[f"SENS:{quantity}:AUTO"] = False

    def _set_limit(self, call: Call, quantity: Quantity) -> None:
        most = self._most[quantity]
        wanted = abs(call.number(0, -most, most))
        is_fixed = not self.switches[f"SENS:{quantity}:AUTO"]
        if is_fixed and wanted < _SMALLEST * self.meter_range[quantity]:
            raise Refused(822)
        self._output.limits[quantity] = wanted
        self._output.apply()

    def _set_source(self, call: Call) -> None:
        chosen: Quantity = "VOLT" if call.choice(0, tuple(NAMES.values())) == "VOLTage" else "CURR"
        if chosen != self._output.sources:
            self._output.sources = chosen
            self._switch_off()

    def _set_function(self, call: Call) -> None:
        for k in range(len(call)):
            name = call.string(k).upper().removesuffix(":DC")
            if name not in ("VOLT", "VOLTAGE", "CURR", "CURRENT"):
                raise Refused(-224)
            self.words["SENS:FUNC"] = name[:4]

    def _set_autozero(self, call: Call) -> None:
        self.switches["AZER"] = False if call.word() == "ONCE" else call.on()

    def _delay_by_hand(self) -> None:
        self.switches["DEL:AUTO"] = False

    def _switch_off(self) -> None:
        self._output.is_on = False
        self._output.apply()

    def _leave_list(self) -> None:
        self._output.step(None)
