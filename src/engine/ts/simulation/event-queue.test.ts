import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue, EventType } from "./event-queue";

describe("the event queue", () => {
  it("pops in the order of time, then of pushing", () => {
    const operations = fc.array(fc.oneof(fc.record({ push: fc.nat(20) }), fc.constant({ push: null })), { maxLength: 400 });
    fc.assert(
      fc.property(operations, (steps) => {
        const queue = new EventQueue(400, 0);
        const model: { time: number; number: number }[] = [];
        let pushes = 0;
        const pop = () => {
          model.sort((a, b) => a.time - b.time || a.number - b.number);
          const expected = model.shift();
          if (expected === undefined) return;
          queue.pop();
          expect([queue.time, queue.first, queue.second]).toEqual([expected.time, expected.number, 1000 - expected.number]);
        };
        for (const { push } of steps) {
          if (push === null) {
            pop();
          } else {
            queue.push(push, EventType.Source, pushes, 1000 - pushes);
            model.push({ time: push, number: pushes++ });
          }
          expect(queue.size).toBe(model.length);
        }
        while (model.length > 0) pop();
        expect(queue.nextTime).toBe(Infinity);
      }),
    );
  });

  it("keeps the type and both numbers of an event", () => {
    const queue = new EventQueue(4, 0);
    queue.push(7, EventType.Wake, 11, 12);
    queue.push(3, EventType.TcpTimer, 21, 22);
    expect(queue.nextTime).toBe(3);
    queue.pop();
    expect([queue.time, queue.type, queue.first, queue.second]).toEqual([3, EventType.TcpTimer, 21, 22]);
    queue.pop();
    expect([queue.time, queue.type, queue.first, queue.second]).toEqual([7, EventType.Wake, 11, 12]);
  });

  it("names itself and the seed when it is full", () => {
    const queue = new EventQueue(2, 77);
    queue.push(1, EventType.Arrive, 0, 0);
    queue.push(2, EventType.Arrive, 0, 0);
    expect(() => queue.push(3, EventType.Arrive, 0, 0)).toThrow(/event queue holds 2 events.*seed 77/);
  });
});
