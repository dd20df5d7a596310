import { calling } from "./call.svelte";

/** Tell the forwarding unit how large this section's picture is shown, for as long as it is. */
export function measured(mid: string): (element: HTMLElement) => () => void {
  return (element) => {
    const observer = new ResizeObserver(([entry]) => {
      calling.controls?.shown(mid, (entry?.contentRect.height ?? 0) * devicePixelRatio);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      calling.controls?.shown(mid, 0);
    };
  };
}
