import { describe, expect, it } from "vitest";
import { Node, NODE_COUNT } from "../../assembly/abi/node";
import { DEFAULT_COSTS } from "./cost-model";

describe("the default costs", () => {
  it("are whole nanoseconds for every node", () => {
    expect(DEFAULT_COSTS).toHaveLength(NODE_COUNT);
    expect(DEFAULT_COSTS.every((cost) => Number.isInteger(cost) && cost >= 0)).toBe(true);
  });

  it("add up to what Linux takes for a datagram from container to container", () => {
    const path = [
      Node.SocketOutput, Node.IpOutput, Node.NeighbourOutput, Node.DeviceTransmit,
      Node.Receive, Node.BridgeInput, Node.BridgeForward, Node.DeviceTransmit,
      Node.Receive, Node.IpInput, Node.LocalDeliver, Node.UdpInput,
    ];
    expect(path.reduce((sum, node) => sum + DEFAULT_COSTS[node]!, 0)).toBe(2540);
  });
});
