import { describe, expect, it } from "vitest";
import { refusalOf } from "../../../test/support/docker";
import { readBridgeOptions } from "./bridge";

const read = (options: Record<string, string>) => readBridgeOptions({ name: "front", driver: "bridge", ipam: [], internal: false, options }, "20.10");
const OPTION = "com.docker.network";

describe("the options of a bridge network", () => {
  it("default to what the kernel and Docker take", () => {
    expect(read({})).toMatchObject({ device: undefined, mtu: 0, hostBinding: "0.0.0.0", interfacePrefix: "eth" });
  });

  it("name device, MTU, binding address and interface prefix; others are ignored", () => {
    const options = {
      [`${OPTION}.bridge.name`]: "br-mine",
      [`${OPTION}.driver.mtu`]: "1400",
      [`${OPTION}.bridge.host_binding_ipv4`]: "127.0.0.1",
      [`${OPTION}.container_iface_prefix`]: "lan",
      "no.such.option": "1",
    };
    expect(read(options)).toMatchObject({ device: "br-mine", mtu: 1400, hostBinding: "127.0.0.1", interfacePrefix: "lan" });
  });

  it.each([
    [`${OPTION}.driver.mtu`, "abc", `failed to parse ${OPTION}.driver.mtu value: abc (strconv.Atoi: parsing "abc": invalid syntax)`],
    [`${OPTION}.driver.mtu`, "-1", "invalid MTU number: -1"],
    [`${OPTION}.bridge.enable_icc`, "maybe", `failed to parse ${OPTION}.bridge.enable_icc value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)`],
    [`${OPTION}.bridge.host_binding_ipv4`, "nope", `failed to parse ${OPTION}.bridge.host_binding_ipv4 value: nope (nil ip)`],
  ])("refuse %s=%s", (name, value, daemon) => {
    expect(refusalOf(() => read({ [name]: value }))).toBe(`INVALID_INPUT: ${daemon}`);
  });
});
