/** Events between the drain and their readers: bounded, and what does not fit is counted. Several readers share the events. */
export class Backlog<Event> {
  readonly #limit: number;
  #queue: Event[] = [];
  #head = 0;
  #dropped = 0;
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
    for (const event of events.slice(0, room)) this.#queue.push(event);
    this.#dropped += Math.max(0, events.length - room);
    this.#wake();
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
