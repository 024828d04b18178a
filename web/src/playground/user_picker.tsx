import { forwardRef } from "react";

import { Avatar } from "../avatar";
import { age } from "../format";
import { Icon } from "../icons";
import type { UserRow } from "../types";

interface Props {
  users: UserRow[] | null;
  error: string;
  search: string;
  chosen: string;
  now: string;
  onSearch: (text: string) => void;
  onChoose: (id: string) => void;
  onNew: () => void;
}

export const UserPicker = forwardRef<HTMLInputElement, Props>(function UserPicker(props, searchRef) {
  const { users, error, search, chosen, now, onSearch, onChoose, onNew } = props;
  // A typed id that nobody has yet is a user too: a stranger.
  const stranger = search.trim() !== "" && users !== null && !users.some((user) => user.id === search.trim());
  return (
    <section className="panel picker" aria-label="User">
      <div className="search">
        <Icon name="search" />
        <input ref={searchRef} type="search" placeholder="Find a user" aria-label="Find a user" value={search} spellCheck={false}
          onChange={(event) => onSearch(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && search.trim()) onChoose(users?.some((u) => u.id === search.trim()) ? search.trim() : (users?.[0]?.id ?? search.trim()));
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <kbd>/</kbd>
      </div>
      <button className="button wide" type="button" onClick={onNew}>
        <Icon name="plus" /> New user
      </button>
      {error && <p className="error-text">{error}</p>}
      {!users && !error && <div className="skeleton picker-skeleton" aria-busy="true" />}
      <ul className="users">
        {stranger && (
          <li>
            <button type="button" className="user" aria-pressed={chosen === search.trim()} onClick={() => onChoose(search.trim())}>
              <Avatar name={search.trim()} small />
              <span className="user-name">{search.trim()}</span>
              <span className="user-note">never seen before</span>
            </button>
          </li>
        )}
        {users?.map((user) => (
          <li key={user.id}>
            <button type="button" className="user" aria-pressed={user.id === chosen} onClick={() => onChoose(user.id)}>
              <Avatar name={user.id} small />
              <span className="user-name">{user.id}</span>
              <span className="user-note">
                {user.follows} followed · {user.last_action_at ? age(now, user.last_action_at) : "no actions yet"}
              </span>
            </button>
          </li>
        ))}
        {users?.length === 0 && !stranger && <li className="empty">No user has come yet. Send some events, or make a new one.</li>}
      </ul>
    </section>
  );
});
