# ruff: noqa: E501 (messages stand as one line each, as they are shown)
"""Every wrong key of a bench's chip file is told at its line."""

import pytest


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        ("fake_buffer,", "fake_bufer,", "7: instruments.dmm.driver: no driver of an instrument 'fake_bufer' is installed; did you mean 'fake_buffer'? (installed: fake_buffer, fake_meter, fake_player, fake_source)"),
        ("dmm: {driver: fake_buffer, ", "dmm: {", "7: instruments.dmm.driver: a required key is missing; installed instruments: fake_buffer, fake_meter, fake_player, fake_source"),
        ("driver: fake_buffer,", "driver: fake_buffer, nlpc: 0.02,", "7: instruments.dmm.nlpc: unknown key; did you mean 'nplc'?"),
        ("driver: fake_buffer,", "driver: fake_buffer, xyz: 0.02,", "7: instruments.dmm.xyz: unknown key; the keys of fake_buffer are driver, resource, timeout_seconds, identity, channels, unit, low, high, nplc, largest, has_switch, counts, reading, delay"),
        ("driver: fake_buffer,", "driver: fake_buffer, nplc: fast,", "7: instruments.dmm.nplc: expected a number, got the text 'fast'"),
        ('channel: "1", low: 0', 'channel: "2", low: 0', "15: inputs.1.channel: channel '2' of awg is used twice: here and in inputs.0.channel"),
        ('channels: ["1", "2", "3", "4", "5", "6"], gain', 'channels: ["1", "2", "3", "4", "5", "1"], gain', "10: parameters.0.channels.5: channel '1' of dac is used twice: here and in parameters.0.channels.0"),
        ("channels: [a, b, c],", "channels: [a, b, c], unit: mA,", "11: parameters.1.unit: mixed units within group 'weights': mA here, V in parameters.0; give one of the runs another group"),
        ("instrument: smu", "instrument: smo", "11: parameters.1.instrument: no instrument 'smo'; did you mean 'smu'? (instruments: dac, smu, awg, dmm)"),
        ("names: [b1, b2, b3]", "names: [b1, b2, w3]", "11: parameters.1.names.2: the name 'w3' is given twice: here and in parameters.0.names.2"),
        ("channels: [a, b, c],", "channels: [a, b],", "11: parameters.1.channels: 3 names and 2 channels: no channel is mapped to b3"),
        ("names: [b1, b2, b3]", "names: [b1, b2]", "11: parameters.1.names: 2 names and 3 channels: channel c has no name"),
        ("low: -3, high: 3, safe", "low: 3, high: 3, safe", "12: parameters.1.low: low (3) must be below high (3)"),
        ("safe: 0.5", "safe: 4", "12: parameters.1.safe: the safe value 4 lies outside [-3, 3]; give one within it"),
        ("gain: 2.0", "gain: 0", "12: parameters.1.gain: a gain of 0 leaves nothing of the level; expected another"),
        ("safe: 0.5", "fixed: 4", "12: parameters.1.fixed: the fixed value 4 lies outside [-3, 3]"),
        ("safe: 0.5", "masked: [b9]", "12: parameters.1.masked: b9 is none of the names of this run: b1, b2, b3"),
        ("gain: 2.0", "gain: 0.02", "11: parameters.1.channels.0: b1 at -3 V is a level of 150 V; channel 'a' of smu gives -100 to 100 V as it is configured"),
        ("channels: [a, b, c],", "channels: [a, b, d],", "11: parameters.1.channels.2: smu has no source channel 'd' (its source channels: a, b, c)"),
        ("instrument: dmm", "instrument: awg", "17: outputs.0.channel: awg has no meter channel '1' (it is no meter)"),
        ("gain: 0.25, offset: 0.5, low", "unit: mV, low", "15: inputs.1.unit: mixed units: mV here and V in inputs.0; give all inputs one unit, and gains that convert to it"),
        ('channel: "1", gain: 0.2, offset: -0.1', 'channel: "1", unit: A', "17: outputs.0.unit: mixed units: A here, and channel '1' of dmm is in V; give the gain that converts"),
        ("gain: 0.2,", "take: threshold,", "17: outputs.0.take: take: threshold needs a threshold, in the output's unit"),
        ("gain: 0.2,", "threshold: 0.5,", "17: outputs.0.threshold: take: mean has no threshold; remove it"),
        ("conductor: dac", "conductor: dec", "19: conductor: no instrument 'dec'; did you mean 'dac'? (instruments: dac, smu, awg, dmm)"),
        ("conductor: dac", "timing: hardware", "19: timing: timing: hardware needs the key conductor: the instrument whose list steps by its own timer"),
        ("conductor: dac", "order: [[dac], [dmm, dac]]", "19: order.1.1: dac stands in the order twice"),
        ("conductor: dac", "order: [[dca]]", "19: order.0.0: no instrument 'dca'; did you mean 'dac'?"),
        ("conductor: dac", "triggers: [{from: dac, to: dnm}]", "19: triggers.0.to: no instrument 'dnm'; did you mean 'dmm'? (instruments: dac, smu, awg, dmm)"),
        ("conductor: dac", "cost: {from: host, gain: 2}", "19: cost.gain: this key belongs to from: instrument, not to from: host; remove it"),
        ("conductor: dac", "cost: {from: instrument, instrument: dmm}", "19: cost.channel: a required key is missing with from: instrument"),
        ("conductor: dac", 'visa_library: "@sim"', "19: visa_library: visa_library: \"@sim\" needs the key simulated: the network behind the instruments"),
        ("conductor: dac", "conductor: dac\ntiming: hardware\nlimits: {parameters: {slew_per_second: 1}}", "20: timing: a list steps faster than limits.slew_per_second can be kept; use timing: software"),
        ("conductor: dac", "telemetry: [{name: w1, instrument: dmm, channel: \"2\"}]", "19: telemetry.0.name: the name 'w1' is given twice: here and in parameters.0.names.0"),
        ("conductor: dac", "simulated: {network: {layers: [2, 2, 1]}, imperfections: {cost_noise: {white: 1}}}", "19: simulated.imperfections.cost_noise: a bench reads voltages, and what is added to costs never reaches them; use read_noise.outputs"),
        ("settle_seconds: 0.001", "settle_secnds: 0.001", "18: settle_secnds: unknown key; did you mean 'settle_seconds'?"),
        ('["a", "b", "c"]', "[a, b, c, d, e]", "5: instruments.smu: nothing is mapped to channel d, e, which would be switched on with the others at whatever level was left there; map it (as a parameter with fixed, for example), or remove it from the section"),
        ('channels: ["a", "b", "c"]', "has_switch: false, channels: [a, b, c, d]", "5: instruments.smu: nothing is mapped to channel d, which would stay at whatever level was left there; map it (as a parameter with fixed, for example), or remove it from the section"),
        ('channels: ["a", "b", "c"]', "has_switch: false, channels: [a, b, c]", "12: parameters.1.safe: channel 'a' of smu has no output switch: with outputs off it is at level 0, where b1 is 0 V and not the safe value 0.5 V; give safe: 0"),
        ('channels: ["1", "2"]}', 'has_switch: false, channels: ["1", "2"]}', "15: inputs.1.safe: channel '2' of awg has no output switch: with outputs off it is at level 0, where input 1 is 0.5 V and not the safe value 0 V; give safe: 0.5"),
        ("TCPIP0::smu::5025", "tcpip::AWG::5025", "6: instruments.awg.resource: TCPIP0::awg::5025::SOCKET is the resource of smu too: two would drive the same box, each knowing nothing of the other; use one section for all of its channels, or correct the resource"),
        ("TCPIP0::smu::5025::SOCKET", "gpib::1", "5: instruments.smu.resource: gpib::1 is the resource of dac too: two would drive the same box, each knowing nothing of the other; use one section for all of its channels, or correct the resource"),
        ("gain: 0.25, offset: 0.5, low: 0, high: 1", "low: 2, high: 3, safe: 2", "15: inputs.1: 2 to 3 here and 0 to 1 in those before have no range in common; the inputs of a chip share one. Give each low, high, gain and offset of such values as the experiment presents"),
        ("gain: 0.25, offset: 0.5, low: 0, high: 1", "low: 1, high: 3, safe: 1", "15: inputs.1: 1 to 3 here and 0 to 1 in those before have no range in common; the inputs of a chip share one. Give each low, high, gain and offset of such values as the experiment presents"),
    ],
)  # fmt: skip
def test_the_message_names_line_and_key(shelf, yaml, found, instead, message):
    assert found in yaml
    text = yaml.replace(found, instead, 1)
    if "unit: mA" in instead:
        text = text.replace("group: biases", "group: weights")
    if "channel '2' of awg is used twice" in message:
        text = yaml.replace('channel: "1", low: 0', 'channel: "2", low: 0', 1)
    assert shelf.problem(text) == message


@pytest.mark.parametrize(
    ("safe", "limits", "message"),
    [
        ("fixed: 2", "parameters: {high: 1}", "12: parameters.1.fixed: the fixed value 2 lies beyond limits.parameters.high, 1; parameters that are held keep within limits as trained ones do"),
        ("fixed: -2", "groups: {biases: {low: -1}}", "12: parameters.1.fixed: the fixed value -2 lies beyond limits.groups.biases.low, -1; parameters that are held keep within limits as trained ones do"),
        ("fixed: 2", "parameters: {high: 3}, groups: {biases: {high: 1}}", "12: parameters.1.fixed: the fixed value 2 lies beyond limits.groups.biases.high, 1; parameters that are held keep within limits as trained ones do"),
        ("masked: [b2], safe: 2", "parameters: {high: 1, safe: 0}", "12: parameters.1.masked: the safe value, at which masked parameters stand, 2 lies beyond limits.parameters.high, 1; parameters that are held keep within limits as trained ones do"),
        ("fixed: 0.5, safe: 0", "groups: {biases: {low: 0.25}}", "12: parameters.1.safe: the safe value 0 lies beyond limits.groups.biases.low, 0.25; parameters that are held keep within limits as trained ones do"),
    ],
)  # fmt: skip
def test_what_is_held_beyond_limits_is_refused(shelf, yaml, safe, limits, message):
    assert shelf.problem(yaml.replace("safe: 0.5", safe) + f"limits: {{{limits}}}\n") == message


@pytest.mark.parametrize(
    ("safe", "limits"),
    [
        ("fixed: 2", "parameters: {high: 2}"),
        ("fixed: 2", "parameters: {high: 1}, groups: {biases: {high: 2}}"),
        ("safe: 2", "parameters: {high: 1, safe: 0}"),
    ],
)
def test_what_is_held_within_limits_is_taken(shelf, yaml, safe, limits):
    shelf.settings(yaml.replace("safe: 0.5", safe) + f"limits: {{{limits}}}\n")


ZERO = "channel '1' of dac has no output switch: with outputs off it is at level 0, where w1 is 0.1 V and not the safe value"


@pytest.mark.parametrize(
    ("safe", "limits", "message"),
    [
        ("", "", f"9: parameters.0.safe: {ZERO} 0 V; give safe: 0.1"),
        (", safe: 0.1", "parameters: {safe: 0.25}", f"20: limits.parameters.safe: {ZERO} 0.25 V; give limits.groups.weights.safe: 0.1"),
        (", safe: 0.1", "groups: {weights: {safe: -1}}", f"20: limits.groups.weights.safe: {ZERO} -1 V; give limits.groups.weights.safe: 0.1"),
        (", safe: 0.5", "parameters: {low: 0.25}", f"10: parameters.0.safe: {ZERO} 0.5 V; widen its range, which is 0.25 to 3 V, or take a source that has a switch"),
        (", masked: [w1]", "parameters: {safe: 0.1}", f"9: parameters.0.safe: {ZERO} 0 V; give safe: 0.1"),
    ],
)  # fmt: skip
def test_a_source_without_a_switch_is_left_at_level_0(shelf, yaml, safe, limits, message):
    text = yaml.replace("driver: fake_player,", "driver: fake_player, has_switch: false,", 1)
    text = text.replace("low: -3, high: 3}", f"low: -3, high: 3{safe}}}", 1)
    assert shelf.problem(text + f"limits: {{{limits}}}\n") == message


@pytest.mark.parametrize(
    ("safe", "limits"),
    [
        (", safe: 0.1", ""),
        ("", "parameters: {safe: 0.1}"),
        ("", "parameters: {safe: 1}, groups: {weights: {safe: 0.1}}"),
        (", fixed: 1, safe: 0.1", "parameters: {safe: 1}"),
    ],
)
def test_and_level_0_is_taken_wherever_it_is_said(shelf, yaml, safe, limits):
    text = yaml.replace("driver: fake_player,", "driver: fake_player, has_switch: false,", 1)
    text = text.replace("low: -3, high: 3}", f"low: -3, high: 3{safe}}}", 1)
    shelf.settings(text + f"limits: {{{limits}}}\n")


def test_level_0_is_taken_as_it_is_rounded(shelf, yaml):
    text = yaml.replace("driver: fake_player,", "driver: fake_player, has_switch: false,", 1)
    text = text.replace("offset: 0.1, low", "offset: 0.3, safe: 0.30000000000000004, low")
    shelf.settings(text)


def test_channels_of_a_source_that_only_measures_need_no_mapping(shelf, yaml):
    text = yaml.replace("  awg:", "  spare: {driver: fake_player, channels: [x]}\n  awg:")
    shelf.settings(text)


def test_instruments_without_a_resource_are_each_their_own(shelf, yaml):
    text = yaml.replace('resource: "TCPIP0::smu::5025::SOCKET", ', "")
    shelf.settings(text.replace('resource: "TCPIP0::awg::5025::SOCKET", ', ""))


def test_no_output_and_no_cost(shelf, yaml):
    text = yaml.partition("outputs:")[0]
    assert "outputs: a required key is missing: the chip's outputs" in shelf.problem(text)


def test_nothing_left_to_train(shelf, yaml):
    text = yaml.replace("safe: 0.5", "fixed: 0.5").replace("gain: 0.5", "fixed: 0.5")
    assert "all are fixed or masked: none is left to be trained" in shelf.problem(text)


def test_an_integral_needs_to_know_how_long_a_reading_takes(shelf, yaml):
    text = yaml.replace("gain: 0.2,", "take: integral,").replace(
        "fake_buffer,", "fake_buffer, reading: 0.0,"
    )
    assert "outputs.0.take: dmm does not tell how long a reading takes" in shelf.problem(text)


def test_what_is_resolved_is_read_again_as_it_was(shelf):
    settings = shelf.settings()
    again = type(settings).model_validate(settings.model_dump(mode="json", by_alias=True))
    assert again == settings
    assert again.instruments["dmm"].nplc == 1.0
