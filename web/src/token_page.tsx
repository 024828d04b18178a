import { useState } from "react";

export function TokenPage({ refused, onToken }: { refused: boolean; onToken: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <main className="gate">
      <form
        className="gate-card"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim()) onToken(token.trim());
        }}
      >
        <img src="/console/mark.svg" alt="" width="44" height="44" />
        <h1>Feedmill</h1>
        <p>Paste the admin token; <code>feedmill key show admin</code> prints it.</p>
        <label htmlFor="token">Admin token</label>
        <input id="token" type="password" autoComplete="off" autoFocus spellCheck={false} value={token} aria-invalid={refused}
          aria-describedby={refused ? "token-error" : undefined} onChange={(event) => setToken(event.target.value)} />
        {refused && (
          <p id="token-error" className="error-text" role="alert">
            The server refused this token.
          </p>
        )}
        <button className="button primary" type="submit" disabled={!token.trim()}>
          Open the console
        </button>
      </form>
    </main>
  );
}
