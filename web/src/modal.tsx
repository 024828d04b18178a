// A dialog that keeps the focus inside while it is open and gives it back where it came from.
import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  label: string;
  className?: string;
  onClose: () => void;
  // Where the focus goes when what had it is gone, as after the page below has changed.
  returnTo?: () => HTMLElement | null | undefined;
  children: ReactNode;
}

export function Modal({ label, className = "dialog", onClose, returnTo, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const otherwise = useRef(returnTo);
  otherwise.current = returnTo;
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    const element = dialog.current;
    element?.showModal?.();
    return () => {
      element?.close?.();
      const back = opener?.isConnected && opener !== document.body ? opener : otherwise.current?.();
      back?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog ref={dialog} className={className} aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === dialog.current && onClose()}
    >
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
