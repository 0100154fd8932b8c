/** Which cores proxies and load may use, and how many workers each of them has. */
export interface Cores {
  readonly proxy: string;
  /** Of the load and of the application. */
  readonly load: string;
  readonly each: number;
}

/** What a row asks of everything around the proxies. */
export interface Setting {
  /** Ends the names of its rows. */
  readonly suffix: string;
  /** Ends what is said about them. */
  readonly about: string;
  readonly cores: Cores;
  /** Whether the server's key is RSA-2048 instead of P-256; the client's stays. */
  readonly rsaServerKey: boolean;
  /** Whether the application is reached over a Unix socket instead of TCP. */
  readonly unixSocket: boolean;
}

export const usualSetting: Setting = {
  suffix: '',
  about: '',
  cores: { proxy: '0', load: '1', each: 1 },
  rsaServerKey: false,
  unixSocket: false,
};

/** In the order in which they are measured. */
export const settings: readonly Setting[] = [
  usualSetting,
  { ...usualSetting, suffix: '-uds', about: ', application on a Unix socket', unixSocket: true },
  { ...usualSetting, suffix: '-rsa', about: ', server with RSA-2048', rsaServerKey: true },
  {
    ...usualSetting,
    suffix: '-2-cores',
    about: ', two workers, both cores for proxy, application and load',
    cores: { proxy: '0,1', load: '0,1', each: 2 },
  },
];
