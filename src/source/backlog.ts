/** Events between the drain and their readers: bounded, and what does not fit is counted. Several readers share the events. */
import type { ToolEvent } from '../tools/contract.js';

export class Backlog<Event extends ToolEvent> {
  readonly #limit: number;
  #queue: Event[] = [];
  #head = 0;
  #dropped = 0;
  /** Lost since the last event that was kept, in the ring or here. */
  #gap = 0;
  #ended = false;
  #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#queue.length - this.#head;
  }

  get dropped(): number {
    return this.#dropped;
  }

  push(events: readonly Event[]): void {
    const room = Math.max(0, this.#limit - this.size);
    for (const event of events.slice(0, room)) this.#keep(event);
    for (const { lostBefore } of events.slice(room)) this.#gap += 1 + lostBefore;
    this.#dropped += Math.max(0, events.length - room);
    this.#wake();
  }

  #keep(event: Event): void {
    this.#queue.push(this.#gap === 0 ? event : { ...event, lostBefore: event.lostBefore + this.#gap });
    this.#gap = 0;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async *iterate(): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      while (this.size > 0) yield this.#take();
      if (this.#ended) return;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What was read is dropped from the array half by half, so that reading costs the same for each event. */
  #take(): Event {
    const event = this.#queue[this.#head++] as Event;
    if (this.#head * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
