// Copies a text, and says whether it could.
import { useEffect, useState } from "react";

import { Icon } from "./icons";

const saidMs = 2500;

// Without a secure connection a page may not use the clipboard; a selection may still be copied.
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function CopyButton({ text, copied, primary = false, children }: { text: () => string; copied: string; primary?: boolean; children?: React.ReactNode }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), saidMs);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <>
      <button type="button" className={primary ? "button small primary" : "button small quiet-button"}
        onClick={() =>
          copy(text()).then(
            () => setSaid(copied),
            () => setSaid("This browser did not let it be copied."),
          )
        }
      >
        <Icon name={said === copied ? "check" : "copy"} /> Copy
      </button>
      {children}
      <span className="quiet" role="status">
        {said}
      </span>
    </>
  );
}
